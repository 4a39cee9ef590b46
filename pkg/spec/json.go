package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// plainKind returns the type of a scalar without quotes, by YAML 1.2's core schema. It also knows
// the numbers of YAML 1.1 (0b1, 1_000, 017), so that no two readers take a scalar for a string and
// for a number.
func plainKind(text string) kind {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return kindNull
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return kindBool
	}
	if c := text[0]; c != '+' && c != '-' && c != '.' && (c < '0' || c > '9') {
		return kindString
	}
	if yamlNumber.MatchString(text) || yamlNotFinite.MatchString(text) {
		return kindNumber
	}
	return kindString
}

var (
	yamlNumber = regexp.MustCompile(`^[-+]?(0x[0-9a-fA-F]+|0o[0-7]+|0b[01]+|` +
		`[0-9]+(_[0-9]+)*(\.([0-9]+(_[0-9]+)*)?)?([eE][-+]?[0-9]+)?|\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+)?)$`)
	yamlNotFinite = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	jsonNumber    = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
)

// maxNumber is the largest length of a number: converting a number takes more than linear time.
const maxNumber = 1000

// configuration returns a plugin's or a VM's configuration as the module gets it: nil for null, a
// string unchanged, any other value as compact JSON. want then encodes the result. A block of
// Envoy's own configuration stands for its value, and gives the result its type. Errors quote
// nothing of the configuration.
func (d *decoder) configuration(path string, n *node, want ConfigType) (config *string, as ConfigType) {
	if at := typeField(n); at != nil {
		value, as, ok := d.typedConfig(path, n, at)
		switch {
		case !ok:
			return nil, want
		case want != "" && want != as:
			d.fail(&Error{
				Code: CodeConflict, Message: fmt.Sprintf("%s is a block whose @type says %s, and %sType says %s", path, as, path, want),
				Hint: "remove one of the two", Pos: at.value.pos,
			})
			return nil, want
		}
		return d.typedValue(path, value, as), as
	}
	return d.written(path, n, want), want
}

// written returns the text of a configuration that is no block.
func (d *decoder) written(path string, n *node, as ConfigType) *string {
	switch n.kind {
	case kindInvalid, kindNull:
		return nil
	case kindString:
		return d.encoded(path, n, as, n.text)
	}
	w := jsonWriter{decoder: d, path: path, good: true, doubles: as == ConfigStruct}
	w.write(n)
	if !w.good {
		return nil
	}
	return d.encoded(path, n, as, w.String())
}

// encoded returns the text as the module gets it.
func (d *decoder) encoded(path string, n *node, as ConfigType, text string) *string {
	config, err := as.Encode(text)
	if err != nil {
		d.fail(ConfigError(err, path, path+"Type", n.pos))
		return nil
	}
	return &config
}

// jsonWriter writes nodes as compact JSON, with the original order of keys and literals of numbers.
type jsonWriter struct {
	bytes.Buffer
	decoder *decoder
	path    string
	good    bool
	doubles bool // a double must hold each number exactly
}

func (w *jsonWriter) fail(code string, at *node, message, hint string) {
	w.good = false
	w.decoder.fail(&Error{Code: code, Message: w.path + ": " + message, Hint: hint, Pos: at.pos})
}

func (w *jsonWriter) write(n *node) {
	switch n.kind {
	case kindInvalid:
		w.good = false
	case kindNull:
		w.WriteString("null")
	case kindBool:
		w.WriteString(strings.ToLower(n.text))
	case kindNumber:
		w.number(n)
	case kindString:
		w.string(n.text)
	case kindList:
		w.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				w.WriteByte(',')
			}
			w.write(item)
		}
		w.WriteByte(']')
	case kindMap:
		w.mapping(n)
	}
}

func (w *jsonWriter) mapping(n *node) {
	seen := make(map[string]bool, len(n.entries))
	w.WriteByte('{')
	for i, e := range n.entries {
		switch {
		case e.key.kind == kindInvalid:
			w.good = false
		case e.key.kind != kindString:
			w.fail(CodeWrongType, e.key, "a key must be a string, not "+e.key.kind.String(), "put it in quotes")
		case seen[e.key.text]:
			w.fail(CodeDuplicateKey, e.key, "the mapping has this key already", "remove one of the two")
		}
		seen[e.key.text] = true
		if i > 0 {
			w.WriteByte(',')
		}
		w.string(e.key.text)
		w.WriteByte(':')
		w.write(e.value)
	}
	w.WriteByte('}')
}

func (w *jsonWriter) string(text string) {
	encoder := json.NewEncoder(&w.Buffer)
	encoder.SetEscapeHTML(false)
	// A bytes.Buffer accepts all writes, and a string always has a JSON form.
	_ = encoder.Encode(text)
	w.Truncate(w.Len() - 1) // the line feed
}

func (w *jsonWriter) number(n *node) {
	text := n.text
	if jsonNumber.MatchString(text) && (!w.doubles || len(text) <= maxNumber) {
		w.literal(n, text)
		return
	}
	switch {
	case len(text) > maxNumber:
		w.fail(CodeBadValue, n, "the number is too long", "put it in quotes")
	case yamlNotFinite.MatchString(text):
		w.fail(CodeBadValue, n, "JSON has no infinity and no NaN", "put it in quotes, or use null")
	default:
		converted, ok := convertNumber(text)
		if !ok {
			w.fail(CodeBadValue, n, "a number with a leading 0 is octal to some readers and decimal to others",
				"put it in quotes, or write 0o… for octal")
			return
		}
		w.literal(n, converted)
	}
}

// literal writes a number of JSON.
func (w *jsonWriter) literal(n *node, text string) {
	if w.doubles {
		if _, ok := double(text); !ok {
			w.fail(CodeBadValue, n, notADouble, doubleAdvice)
		}
	}
	w.WriteString(text)
}

// convertNumber turns a number of YAML that is none of JSON into a JSON number of the same value.
// The result is false for integers such as 017, because their value is ambiguous.
func convertNumber(text string) (string, bool) {
	sign := ""
	switch text[0] {
	case '-':
		sign, text = "-", text[1:]
	case '+':
		text = text[1:]
	}
	if len(text) > 1 && strings.ContainsRune("xob", rune(text[1])) {
		value, ok := new(big.Int).SetString(text, 0)
		if !ok {
			return "", false
		}
		return sign + value.String(), true
	}
	mantissa, exponent := strings.ReplaceAll(text, "_", ""), ""
	if i := strings.IndexAny(mantissa, "eE"); i >= 0 {
		mantissa, exponent = mantissa[:i], mantissa[i:]
	}
	whole, fraction, isFraction := strings.Cut(mantissa, ".")
	trimmed := strings.TrimLeft(whole, "0")
	if trimmed != whole && len(whole) > 1 && !isFraction && exponent == "" {
		return "", false
	}
	if trimmed == "" {
		trimmed = "0"
	}
	if isFraction && fraction == "" {
		fraction = "0"
	}
	if isFraction {
		trimmed += "." + fraction
	}
	return sign + trimmed + exponent, true
}
