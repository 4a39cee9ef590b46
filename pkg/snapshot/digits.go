package snapshot

// IsHex reports whether text consists of this many hexadecimal digits, with letters in lower case.
// Revisions, salts and digests have this form. A valid text is safe in paths.
func IsHex(text string, digits int) bool {
	if len(text) != digits {
		return false
	}
	for _, c := range []byte(text) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// IsSHA256 reports whether text is a SHA-256 in the form of [Module.SHA256].
func IsSHA256(text string) bool { return IsHex(text, 64) }
