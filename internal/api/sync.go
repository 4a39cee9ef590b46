package api

// Sync is the outcome of a read of the specs, as POST /api/v1/sync answers.
type Sync struct {
	Version string       `json:"version"` // of the wanted revisions, as in [Snapshot]
	Error   *Error       `json:"error"`   // the specs could not be read, or are held; null: they were read and taken
	Errors  []*Error     `json:"errors"`  // all errors of the specs
	Filters []SyncFilter `json:"filters"` // sorted by name
}

// SyncFilter is the wanted content of a filter.
type SyncFilter struct {
	Name     string      `json:"name"`
	State    FilterState `json:"state"`
	Revision string      `json:"revision"` // for all Envoys, 12 hex digits; "": no revision of its own
	Refused  string      `json:"refused"`  // the revision that the sandbox has refused; "": none, or it has no revision
	SpecFile string      `json:"specFile"` // "": no spec
	Error    *Error      `json:"error"`    // the reason for which the spec's content is not wanted; null: it is wanted
}
