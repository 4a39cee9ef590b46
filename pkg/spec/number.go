package spec

import (
	"math/big"
	"regexp"
	"strings"
)

// plainKind returns the type of a scalar without quotes, by YAML 1.2's core schema. It also knows
// the numbers of YAML 1.1 (0b1, 1_000, 017), so no two readers take a scalar for a string and
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

// convertNumber turns a number of YAML that is none of JSON into a JSON number of the same value.
// The result is false for integers like 017, because their value is ambiguous.
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
