package seal

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// CodeKeyFile is the code of errors of a file of keys.
const CodeKeyFile = "bad_state_key_file"

// plainWord stands for a key that seals nothing, in the place of the first key.
const plainWord = "plain"

const maxFile = 64 << 10

// MakeKey is the command that makes a key, for hints.
const MakeKey = "openssl rand -base64 32"

// ReadFile reads a file of keys: each line is a key of 32 bytes in base64. The first key seals, and
// all keys open. If the first line is the word plain, nothing is sealed. Empty lines and lines that
// begin with # do not count. public says whether other users than the owner may use the file.
//
// The error is a [spec.Error] at the line. It never has a part of the line.
func ReadFile(path string) (k *Keys, public bool, err error) {
	problem := func(line int, message, hint string) error {
		return &spec.Error{Code: CodeKeyFile, Message: message, Hint: hint, Pos: spec.Position{File: path, Line: line}}
	}
	file, info, err := regular.Open(path)
	if err != nil {
		return nil, false, problem(0, "the keys of the state cannot be read: "+reason.Of(err), "make the file with: "+MakeKey)
	}
	defer file.Close()
	text, err := regular.ReadAll(file, maxFile)
	if err != nil {
		return nil, false, problem(0, "the keys of the state cannot be read: "+reason.Of(err), "it has a key a line: "+MakeKey)
	}
	k = &Keys{}
	number, plain := 0, false
	for line := range bytes.Lines(text) {
		number++
		word := strings.TrimSpace(string(line))
		if word == "" || strings.HasPrefix(word, "#") {
			continue
		}
		if word == plainWord && !plain && len(k.all) == 0 {
			plain = true
			continue
		}
		secret, err := base64.StdEncoding.DecodeString(word)
		if err != nil || len(secret) != KeySize {
			return nil, false, problem(number, fmt.Sprintf("the line is no key: a key is %d bytes in base64", KeySize), "make one with: "+MakeKey)
		}
		one, err := newKey(secret)
		if err != nil {
			return nil, false, problem(number, "the line is no key: "+err.Error(), "make one with: "+MakeKey)
		}
		if slices.Contains(k.IDs(), one.id) {
			return nil, false, problem(number, "the key is there twice", "remove one of them")
		}
		k.all = append(k.all, one)
	}
	if len(k.all) == 0 {
		return nil, false, problem(0, "the file has no key", "make one with: "+MakeKey)
	}
	if !plain {
		k.first = k.all[0]
	}
	return k, info.Mode().Perm()&^fs.FileMode(0o700) != 0, nil
}
