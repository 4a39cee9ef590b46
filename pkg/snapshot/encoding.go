package snapshot

import "unicode/utf8"

// A configuration may have any bytes, but JSON strings are text. A configuration without valid
// text is stored in a separate field, in base64.

// apart returns a configuration as text, or as bytes if the bytes are no text. The other result is
// nil.
func apart(config *string) (text *string, bytes []byte) {
	if config == nil || utf8.ValidString(*config) {
		return config, nil
	}
	return nil, []byte(*config)
}

// together is the reverse of apart.
func together(text *string, bytes []byte) *string {
	if bytes == nil {
		return text
	}
	config := string(bytes)
	return &config
}
