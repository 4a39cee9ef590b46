package snapshot

// IsHex says whether text is that many hexadecimal digits, the letters in lower case: the one
// way in which revisions, salts and digests are written. Text that passes is safe in paths.
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

// IsSHA256 says whether text is a SHA-256 as [Module.SHA256] has it.
func IsSHA256(text string) bool { return IsHex(text, 64) }
