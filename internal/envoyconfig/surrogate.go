package envoyconfig

import (
	"bytes"
	"encoding/json"
	"regexp"
)

// surrogates are two escapes of JSON for one character beyond 16 bits. YAML has another escape for
// these characters, so the YAML library refuses surrogates.
var surrogates = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)

// forYAML returns a text for the YAML library, with all places as they are.
func forYAML(text []byte) []byte {
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return text // no JSON
	}
	return surrogates.ReplaceAll(text, []byte(`\uFFFD\uFFFD`))
}

// fromJSON returns the text of a string with escapes of JSON, from the bytes of the file. ok is
// false for any other value.
func fromJSON(source []byte) (text string, ok bool) {
	if !bytes.HasPrefix(source, []byte(`"`)) || !surrogates.Match(source) {
		return "", false
	}
	return text, json.Unmarshal(source, &text) == nil
}
