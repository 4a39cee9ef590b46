package spec

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

var errNotText = errors.New("it is not UTF-8 text")

// maxStructDepth is the largest number of levels of objects and lists in a Struct. Each level is
// three messages deep, and a C++ filter's parser takes no more than 100 messages.
const maxStructDepth = 32

const (
	notADouble   = "a Struct holds numbers as doubles, which would change this one"
	doubleAdvice = "put it in quotes"
)

// structOf encodes the JSON object in text as google.protobuf.Struct, in protobuf's wire format
// with sorted keys: equal objects give equal bytes. Its errors quote nothing. This package does not
// import protobuf, and so has an encoder of its own; a test of pkg/translate compares it with the
// library.
func structOf(text string) (string, error) {
	if !utf8.ValidString(text) {
		return "", errors.New("it is not UTF-8 text")
	}
	r := structReader{Decoder: json.NewDecoder(strings.NewReader(text)), text: text}
	r.UseNumber()
	first, err := r.Token()
	if err != nil {
		return "", r.fail("it is not JSON")
	}
	if first != json.Delim('{') {
		return "", errors.New("it is not a JSON object")
	}
	object, err := r.object(0)
	if err != nil {
		return "", err
	}
	if _, end := r.Token(); !errors.Is(end, io.EOF) {
		return "", r.fail("something follows the object")
	}
	return string(object), nil
}

// The fields of google.protobuf.Value, Struct and ListValue, each with its wire type.
const (
	wireVarint = 0
	wire64     = 1
	wireLength = 2

	tagNull   = 1<<3 | wireVarint
	tagNumber = 2<<3 | wire64
	tagString = 3<<3 | wireLength
	tagBool   = 4<<3 | wireVarint
	tagStruct = 5<<3 | wireLength
	tagList   = 6<<3 | wireLength

	tagFields     = 1<<3 | wireLength // of Struct
	tagValues     = 1<<3 | wireLength // of ListValue
	tagEntryKey   = 1<<3 | wireLength
	tagEntryValue = 2<<3 | wireLength
)

// appendBytes adds a field with a length: a text or a message.
func appendBytes[T ~string | ~[]byte](to []byte, tag byte, content T) []byte {
	to = binary.AppendUvarint(append(to, tag), uint64(len(content)))
	return append(to, content...)
}

// structReader reads JSON strictly: it refuses repeated keys, and numbers that a double cannot
// hold.
type structReader struct {
	*json.Decoder
	text string
}

// fail returns an error at the reader's position.
func (r *structReader) fail(message string) error {
	before := r.text[:min(int(r.InputOffset()), len(r.text))]
	line := strings.Count(before, "\n") + 1
	column := len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))
	return fmt.Errorf("%s (line %d, column %d)", message, line, max(column, 1))
}

// value reads the next value as a Value.
func (r *structReader) value(depth int) ([]byte, error) {
	token, err := r.Token()
	if err != nil {
		return nil, r.fail("it is not JSON")
	}
	switch token := token.(type) {
	case nil:
		return []byte{tagNull, 0}, nil
	case bool:
		if token {
			return []byte{tagBool, 1}, nil
		}
		return []byte{tagBool, 0}, nil
	case string:
		return appendBytes(nil, tagString, token), nil
	case json.Number:
		number, ok := double(token.String())
		if !ok {
			return nil, r.fail(notADouble + ": " + doubleAdvice)
		}
		return binary.LittleEndian.AppendUint64([]byte{tagNumber}, math.Float64bits(number)), nil
	}
	if depth++; depth >= maxStructDepth {
		return nil, r.fail(fmt.Sprintf("it is nested more than %d levels deep", maxStructDepth))
	}
	if token == json.Delim('[') {
		list, err := r.list(depth)
		return appendBytes(nil, tagList, list), err
	}
	object, err := r.object(depth)
	return appendBytes(nil, tagStruct, object), err
}

// list reads the rest of a list as a ListValue.
func (r *structReader) list(depth int) (list []byte, err error) {
	for r.More() {
		value, err := r.value(depth)
		if err != nil {
			return nil, err
		}
		list = appendBytes(list, tagValues, value)
	}
	if _, err := r.Token(); err != nil {
		return nil, r.fail("it is not JSON")
	}
	return list, nil
}

// object reads the rest of an object as a Struct.
func (r *structReader) object(depth int) (object []byte, err error) {
	entries := map[string][]byte{}
	for r.More() {
		key, err := r.Token()
		if err != nil {
			return nil, r.fail("it is not JSON")
		}
		name, _ := key.(string) // the decoder allows only strings as keys
		if _, twice := entries[name]; twice {
			return nil, r.fail("an object has a key twice")
		}
		if entries[name], err = r.value(depth); err != nil {
			return nil, err
		}
	}
	if _, err := r.Token(); err != nil {
		return nil, r.fail("it is not JSON")
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		entry := appendBytes(appendBytes(nil, tagEntryKey, name), tagEntryValue, entries[name])
		object = appendBytes(object, tagFields, entry)
	}
	return object, nil
}

// double returns a JSON number as a Struct holds it. The result is false for an integer that would
// lose digits, and for a number that is too large.
func double(text string) (float64, bool) {
	number, err := json.Number(text).Float64()
	if err != nil || math.IsInf(number, 0) {
		return 0, false
	}
	if whole, ok := new(big.Int).SetString(text, 10); ok {
		kept, _ := new(big.Float).SetFloat64(number).Int(nil)
		return number, kept.Cmp(whole) == 0
	}
	return number, true
}

// typeKey is the key by which protobuf's JSON names the message in an Any.
const typeKey = "@type"

// typedText returns the @type of a text with a JSON object, or "".
func typedText(text string) string {
	if !strings.Contains(text, typeKey) {
		return ""
	}
	var block struct {
		Type string `json:"@type"`
	}
	if json.Unmarshal([]byte(text), &block) != nil {
		return ""
	}
	return block.Type
}
