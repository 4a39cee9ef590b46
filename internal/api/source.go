package api

import "time"

// SourceState is the state of the source of specs.
type SourceState string

// The source states. Later versions may add more.
const (
	SourceReading     SourceState = "reading" // silent since the start
	SourceOK          SourceState = "ok"
	SourceDegraded    SourceState = "degraded"    // works, with a problem
	SourceUnavailable SourceState = "unavailable" // cannot be read: the previous content is served on
	SourceHeld        SourceState = "held"        // every spec went at once: held until a spec appears
)

// Source is the place that the specs come from, with the problems of the specs.
type Source struct {
	Directory string      `json:"directory"`
	State     SourceState `json:"state"`
	Error     *Error      `json:"error"`  // the reason if State is not ok
	Errors    []*Error    `json:"errors"` // all errors of the documents
	Since     time.Time   `json:"since"`  // the time at which State was entered
	// Sources are the directory and the bundles, in the order of the command line.
	Sources []SourcePart `json:"sources"`
}

// SourcePart is one of several sources, or the only one.
type SourcePart struct {
	Name     string      `json:"name"` // the directory, or oci:// and the bundle's reference
	State    SourceState `json:"state"`
	Error    *Error      `json:"error"`    // the reason if State is not ok
	Since    time.Time   `json:"since"`    // the time at which State was entered
	Specs    int         `json:"specs"`    // valid documents
	Problems int         `json:"problems"` // invalid documents
}
