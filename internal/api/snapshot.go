package api

import "time"

// Snapshot is the revisions that are served.
type Snapshot struct {
	Version    string            `json:"version"`    // a hash of the content
	Filters    map[string]string `json:"filters"`    // name to revision
	LoadedFrom string            `json:"loadedFrom"` // directory: read now; state: the last good snapshot, from before the start
	Since      time.Time         `json:"since"`      // the time of the publication
}
