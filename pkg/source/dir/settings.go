package dir

// settings are the parts of a Source's configuration on which a look depends.
type settings struct {
	dir    string // as given
	decode Decode
	keys   []string

	// Replaced by tests.
	disk   disk
	limits limits
}
