package report

import (
	"fmt"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/internal/track"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// CheckingError reports the newest revision of a spec as still in the sandbox.
func CheckingError(s *spec.Spec) *spec.Error {
	return &spec.Error{
		Code: api.CodePreflightRunning, Name: s.Name, Pos: desired.ModulePosition(s),
		Message: "the newest revision is being tried in the sandbox; what was served is served on",
		Hint:    "wait: a module that takes too long is refused",
	}
}

// waitingError explains why the download of a spec's module pauses; nil: no pause.
func waitingError(one *track.Spec) *spec.Error {
	if one == nil || one.Wait().Why == "" {
		return nil
	}
	wait := one.Wait()
	message := "the download of its module waits: " + wait.Why
	if !wait.Until.IsZero() {
		message += "; it goes on at " + wait.Until.UTC().Format(time.TimeOnly) + " UTC"
	}
	return &spec.Error{
		Code: api.CodeDownloadWaits, Message: message, Hint: "it goes on by itself; what was served before is served on",
		Name: one.Spec().Name, Pos: desired.ModulePosition(one.Spec()),
	}
}

// unasked describes a removed filter without a subscriber. This is not an error.
func unasked(w *snapshot.Filter) *api.Error {
	return &api.Error{
		Code: delivery.CodeKept, Message: "its spec is gone, and no Envoy asks for it", File: w.SpecFile,
		Hint: fmt.Sprintf("`wasm-xds forget %s` drops it now", w.Name),
	}
}

// removedError describes a removed filter for which Envoys ask.
func removedError(w *snapshot.Filter) *api.Error {
	e := &api.Error{Code: delivery.CodeKept, File: w.SpecFile}
	switch w.OnRemove {
	case spec.Passthrough:
		e.Message, e.Hint = "its spec is gone; everything passes", "put the spec back to serve it again"
	case spec.Deny:
		e.Message, e.Hint = "its spec is gone; everything is denied", "put the spec back to serve it again"
	default:
		e.Message, e.Hint = "its spec is gone; still served", "`disabled: true` turns it off"
	}
	return e
}

// unknownName is the error of a name without a spec.
func unknownName(v *View, name string) *api.Error {
	e := &api.Error{Code: delivery.CodeUnknownFilter, Message: fmt.Sprintf("no spec is named %q: requests are denied", name)}
	if v.Specs.Set() == nil {
		e.Message = fmt.Sprintf("the specs have not been read, so that nothing is known of %q: an Envoy that runs it keeps it, others deny", name)
		e.Hint = "`wasm-xds status` says why the specs cannot be read"
		return e
	}
	if near := spec.Nearest(name, v.Snapshot.Names()); near != "" {
		e.Hint = fmt.Sprintf("did you mean %q? Correct the name in the Envoy's configuration or in the spec", near)
	} else {
		e.Hint = "add a spec with this name, or take the filter out of the Envoy's configuration"
	}
	return e
}

// problem is the API's form of a problem of delivery; nil stays nil.
func problem(p *delivery.Problem) *api.Error {
	if p == nil {
		return nil
	}
	return &api.Error{Code: p.Code, Message: p.Message, Hint: p.Hint}
}
