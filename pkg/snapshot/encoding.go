package snapshot

import "unicode/utf8"

// A configuration may have any bytes, but JSON strings are text. A configuration that is no valid
// text is stored in a separate field, in base64.

// apart is a configuration in two forms, one of which is nil: text, or bytes that are no text.
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
