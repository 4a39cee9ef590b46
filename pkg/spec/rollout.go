package spec

import (
	"fmt"
	"reflect"
	"time"
)

// Rollout is the rollout section without its canaries, which are a [Canary]. A revision goes to the
// canaries, then to the Envoys of each step, then to all: each is a wave. The zero value has no
// steps, no soak and the default deadline.
type Rollout struct {
	Steps []Step        `json:"steps,omitempty"`
	Soak  time.Duration `json:"soak,omitempty"`  // after the canaries and after each step; 0: none
	Pause bool          `json:"pause,omitempty"` // each wave before the last waits for a user
	// Deadline is how long a wave may take beside its soak; 0: [DefaultDeadline], negative: there
	// is no deadline.
	Deadline   time.Duration `json:"deadline,omitempty"`
	OnDeadline OnDeadline    `json:"onDeadline,omitempty"` // "": hold
	Health     *Health       `json:"health,omitempty"`     // nil: nobody looks at the health
}

// DefaultDeadline is how long a wave may take beside its soak if the spec says nothing. Kubernetes
// gives a deployment the same time.
const DefaultDeadline = 10 * time.Minute

// Step is a wave between the canaries and all Envoys. Exactly one of Percent and Count is set.
type Step struct {
	Percent int `json:"percent,omitempty"` // of all Envoys of the filter, 1 to 100
	Count   int `json:"count,omitempty"`   // Envoys
	// Soak is the step's own soak; nil: the soak of the rollout.
	Soak *time.Duration `json:"soak,omitempty"`
	// Health is the step's own health; nil: the health of the rollout.
	Health *Health `json:"health,omitempty"`
}

// String is the size of the step, as in 10% or 5.
func (s Step) String() string {
	if s.Percent > 0 {
		return fmt.Sprintf("%d%%", s.Percent)
	}
	return fmt.Sprint(s.Count)
}

// OnDeadline is the fate of a rollout that is overdue.
type OnDeadline string

// The values of onDeadline.
const (
	Hold OnDeadline = "hold" // the rollout goes on waiting, and its status says so
	Back OnDeadline = "back" // the Envoys with the revision go back to the stable revision
)

// WaveDeadline is how long a wave may take beside its soak; 0: there is no deadline.
func (r *Rollout) WaveDeadline() time.Duration {
	if r.Deadline == 0 {
		return DefaultDeadline
	}
	return max(r.Deadline, 0)
}

// Equal reports whether all fields are equal.
func (r *Rollout) Equal(o *Rollout) bool {
	return reflect.DeepEqual(r, o)
}

// bound sets the bounds of the files that the sections health name.
func (r *Rollout) bound(b *Bounds) {
	all := []*Health{r.Health}
	for _, step := range r.Steps {
		all = append(all, step.Health)
	}
	for _, h := range all {
		if h != nil && h.Prometheus != nil {
			h.Prometheus.Bounds = b
		}
	}
}
