package control

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// Metrics counts events of the control. Any goroutine may call the methods, which do not
// block.
type Metrics interface {
	// SnapshotChanged counts a snapshot that differs from the previous one.
	SnapshotChanged()
	// Resolved records the time to read or fetch a module, and the success.
	Resolved(ok bool, took time.Duration)
	// Preflighted records a run of the sandbox for a filter. code is the code of the first error;
	// "": no error.
	Preflighted(code string, took time.Duration)
	// PreflightKnown counts a filter with findings from an earlier run.
	PreflightKnown()

	// StreamOpened and StreamClosed count the open streams of a mode, as in [api.Node].
	StreamOpened(mode string)
	StreamClosed(mode string)

	// Acked counts n resources that an Envoy accepted, and Nacked a resource that an Envoy
	// refused.
	Acked(n int)
	Nacked(kind api.NackKind)
	// HotLoaded records the time from the sight of a spec until an Envoy runs the new revision.
	HotLoaded(variant string, took time.Duration)
	// FilterRejected counts a refused revision of the filter; "" is a name without a spec.
	FilterRejected(name string)
	// Converged records the time from the sight of an edit until the last Envoy runs the revision,
	// RolloutEnded counts a rollout by its outcome, RolloutOverdue a wave that takes longer than
	// its deadline, and Refused a content that is not served.
	Converged(filter string, took time.Duration)
	RolloutEnded(outcome string)
	RolloutOverdue()
	Refused(cause api.Cause)
	// StateSaved counts a save of the state.
	StateSaved(ok bool)
	// FilterForgotten ends the series of a forgotten filter.
	FilterForgotten(name string)
}

// noMetrics counts nothing.
type noMetrics struct{}

func (noMetrics) SnapshotChanged()                  {}
func (noMetrics) Resolved(bool, time.Duration)      {}
func (noMetrics) Preflighted(string, time.Duration) {}
func (noMetrics) PreflightKnown()                   {}
func (noMetrics) StreamOpened(string)               {}
func (noMetrics) StreamClosed(string)               {}
func (noMetrics) Acked(int)                         {}
func (noMetrics) Nacked(api.NackKind)               {}
func (noMetrics) HotLoaded(string, time.Duration)   {}
func (noMetrics) FilterRejected(string)             {}
func (noMetrics) Converged(string, time.Duration)   {}
func (noMetrics) RolloutEnded(string)               {}
func (noMetrics) RolloutOverdue()                   {}
func (noMetrics) Refused(api.Cause)                 {}
func (noMetrics) StateSaved(bool)                   {}
func (noMetrics) FilterForgotten(string)            {}
