package spec

import "time"

// Health is the health section of a rollout: what the Envoys with a new revision may do worse than
// the Envoys with the stable revision.
type Health struct {
	// After is how long all Envoys are watched after the promotion; 0: they are not watched.
	After time.Duration `json:"after,omitempty"`
}
