// Package mask removes the secrets of a filter from texts that come from outside: an Envoy quotes a
// configuration in its refusal, and a module logs its own.
//
// A [Builder] collects the secrets: whole configurations, the values in them, and other texts.
// [Mask.Hide] removes them. Both are pure.
package mask

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Shorter texts are no secrets, so messages stay readable.
const (
	leastValue = 6 // bytes of a value
	leastWhole = 3 // of a whole configuration
	leastLine  = 8 // of a line of a configuration or value
)

// most bounds the size of a configuration whose values are searched, in bytes. A larger
// configuration is only a secret as a whole, and by its lines.
const most = 256 << 10

// hidden stands for a secret.
const hidden = "…"

// Mask hides secrets. The zero value hides nothing. A Mask is immutable.
type Mask struct {
	secrets []string // the longest first: a secret may be part of another
	sorted  []string // the same
}

// Hide returns the text without the secrets, and without the begin of a secret that was cut: "…"
// follows it.
func (m Mask) Hide(text string) string {
	for _, secret := range m.secrets {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	parts := strings.Split(text, hidden)
	for i := range parts[:len(parts)-1] { // after the last part is no mark
		parts[i] = m.withoutCut(parts[i])
	}
	return strings.Join(parts, hidden)
}

// withoutCut returns a text without the longest begin of a secret at its end.
func (m Mask) withoutCut(text string) string {
	for at := max(0, len(text)-mostCut); at <= len(text)-leastCut; at++ {
		// The secrets with this begin follow each other.
		i, _ := slices.BinarySearch(m.sorted, text[at:])
		if i < len(m.sorted) && strings.HasPrefix(m.sorted[i], text[at:]) {
			return text[:at]
		}
	}
	return text
}

// mostCut is the longest begin of a cut secret, and leastCut the shortest, in bytes. The sandbox
// cuts a line of a module's log after 4 KiB.
const (
	mostCut  = 4 << 10
	leastCut = 4
)

// Builder collects secrets. The zero value has none.
type Builder struct{ secrets []string }

// Mask returns a mask of all secrets so far.
func (b *Builder) Mask() Mask {
	sorted := slices.Compact(slices.Sorted(slices.Values(b.secrets)))
	longest := slices.Clone(sorted)
	slices.SortStableFunc(longest, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return Mask{longest, sorted}
}

// Config adds a whole configuration and its values: the strings and numbers of JSON or of a Struct,
// or else the text behind = or : on each line. nil adds nothing.
func (b *Builder) Config(config *string, as spec.ConfigType) {
	if config == nil {
		return
	}
	text := *config
	b.add(text, leastWhole)
	b.lines(text)
	if len(text) > most {
		return
	}
	var object structpb.Struct
	if as == spec.ConfigStruct && proto.Unmarshal([]byte(text), &object) == nil {
		b.values(object.AsMap())
		return
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber() // the literals as they are
	var value any
	if decoder.Decode(&value) == nil && !decoder.More() {
		b.values(value)
		return
	}
	for line := range strings.Lines(text) {
		if i := strings.IndexAny(line, "=:"); i >= 0 {
			b.add(strings.Trim(line[i+1:], " \t\r\n\"',;"), leastValue)
		}
	}
}

// Secret adds a text that is certainly a secret, like a password.
func (b *Builder) Secret(text string) { b.add(text, leastWhole) }

// Value adds a text of its own, for example of a variable.
func (b *Builder) Value(text string) {
	b.add(text, leastValue)
	b.lines(text)
}

// lines adds each line of several: a log often has only one of them.
func (b *Builder) lines(text string) {
	if !strings.Contains(text, "\n") {
		return
	}
	for line := range strings.Lines(text) {
		b.add(strings.TrimSpace(line), leastLine)
	}
}

// values adds the values of decoded JSON. Names of fields are no secrets.
func (b *Builder) values(value any) {
	switch value := value.(type) {
	case string:
		b.Value(value)
	case json.Number:
		b.add(value.String(), leastValue)
	case float64:
		b.add(strconv.FormatFloat(value, 'g', -1, 64), leastValue)
		b.add(strconv.FormatFloat(value, 'f', -1, 64), leastValue)
	case []any:
		for _, v := range value {
			b.values(v)
		}
	case map[string]any:
		for _, v := range value {
			b.values(v)
		}
	}
}

// add adds a text, as it is and as it stands between quotation marks in a log.
func (b *Builder) add(text string, least int) {
	if len(text) < least {
		return
	}
	b.secrets = append(b.secrets, text)
	quoted := strconv.Quote(text)
	if quoted = quoted[1 : len(quoted)-1]; quoted != text {
		b.secrets = append(b.secrets, quoted)
	}
}
