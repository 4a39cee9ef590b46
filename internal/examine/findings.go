package examine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/preflight/static"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Mode decides the effect of the sandbox's findings.
type Mode string

// The modes. The zero value is [Enforce].
const (
	Off     Mode = "off"     // the sandbox does not run
	Warn    Mode = "warn"    // findings are shown
	Enforce Mode = "enforce" // a revision that would not load is not served
)

// Modes returns all modes.
func Modes() []Mode { return []Mode{Off, Warn, Enforce} }

// Findings are the sandbox's findings about a filter, in a form that outlives the spec: without
// positions, and without the filter's configuration. They are immutable.
type Findings struct {
	Errors   []Finding          `json:"errors,omitempty"`   // the module loads on no version, or a test failed
	Refusals []snapshot.Refusal `json:"refusals,omitempty"` // the module loads only on other versions
	Warnings []Finding          `json:"warnings,omitempty"`
	// Capabilities is the meaning of capabilities: auto, and empty if the module imports nothing.
	// It is nil for specs without auto.
	Capabilities []string `json:"capabilities"`
}

// Finding is one finding of the sandbox.
type Finding struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Test    string `json:"test,omitempty"` // the failed test; "": the module
	// Late means a step took too long, perhaps only because the machine was busy.
	Late bool `json:"late,omitempty"`
}

// In returns the finding as an error of s, the spec that it belongs to.
func (f Finding) In(s *spec.Spec) *spec.Error {
	e := &spec.Error{Code: f.Code, Message: f.Message, Hint: f.Hint, Name: s.Name, Pos: position(s, f.Code)}
	if f.Test != "" {
		e.Pos = TestPosition(s, f.Test)
	}
	return e
}

// TookTooLong reports whether the filter is refused only for time, perhaps because the machine was
// busy. Another run may find nothing.
// See docs/RATIONALE.md#why-is-a-refusal-for-time-tried-again.
func (f Findings) TookTooLong() bool {
	return slices.ContainsFunc(f.Errors, func(one Finding) bool { return one.Late })
}

// TriedAgain returns the findings with a note on the time of the next try.
func (f Findings) TriedAgain(when string) Findings {
	f.Errors = slices.Clone(f.Errors)
	for i := range f.Errors {
		if f.Errors[i].Late {
			f.Errors[i].Message += "; the machine may have been busy: it is tried again " + when
		}
	}
	return f
}

// late reports whether a problem is an exceeded time.
func late(code string) bool { return code == finding.CodeTimeout || code == finding.CodeLimitTime }

// Judge runs [Filter] for all known versions, and returns the findings. With [Off] it only resolves
// capabilities: auto.
func Judge(ctx context.Context, modules *sandbox.Modules, mode Mode, s *spec.Spec, m Module, config *string) Findings {
	var found Findings
	if mode != Off {
		found = findingsOf(Filter(ctx, modules, s, m, config, nil), s, config)
	}
	if s.AutoCapabilities {
		// An unreadable module may call nothing. It fails for being unreadable, not for this.
		info, _ := sandbox.Request{Module: m.Bytes, SHA256: m.SHA256, Modules: modules}.Content()
		found.Capabilities = static.Capabilities(info)
	}
	return found
}

// Needed reports whether [Judge] has any work.
func Needed(mode Mode, s *spec.Spec) bool {
	return s.AutoCapabilities || mode != Off && s.VM.Runtime != spec.NullRuntime
}

func findingsOf(r Result, s *spec.Spec, config *string) Findings {
	secrets := secretsOf(s, config)
	finding := func(e *spec.Error) Finding {
		return Finding{Code: e.Code, Message: secrets.Hide(e.Message), Hint: e.Hint, Late: late(e.Code)}
	}
	var found Findings
	for _, p := range r.Problems {
		found.Errors = append(found.Errors, finding(Error(s, p)))
	}
	for _, t := range r.Failed() {
		f := finding(testError(s, t))
		f.Test, f.Late = t.Name, late(t.Trap)
		found.Errors = append(found.Errors, f)
	}
	for _, p := range r.Partial {
		refusal := refusalOf(s, p)
		refusal.Message = secrets.Hide(refusal.Message)
		found.Refusals = append(found.Refusals, refusal)
		found.Warnings = append(found.Warnings, Finding{Code: refusal.Code, Message: refusal.Message, Hint: refusal.Hint})
	}
	for _, p := range r.Warnings {
		found.Warnings = append(found.Warnings, finding(Error(s, p)))
	}
	for i, e := range r.Doubts(s) {
		f := finding(e)
		f.Test = r.Doubtful()[i].Name
		found.Warnings = append(found.Warnings, f)
	}
	return found
}

// refusalOf turns a problem of some versions into a refusal by the versions with or without it.
func refusalOf(s *spec.Spec, p finding.Problem) snapshot.Refusal {
	known := envoy.Versions()
	refused := slices.DeleteFunc(slices.Clone(known), func(v string) bool { return !p.Concerns(v) })
	withoutVersions := p
	withoutVersions.Versions = nil
	r := snapshot.Refusal{
		Versions: refused, AndLater: p.Concerns(known[len(known)-1]),
		Code: p.Code, Hint: p.Hint, Message: Error(s, withoutVersions).Message,
	}
	if n := len(refused); n < len(known) && slices.Equal(refused, known[:n]) {
		r.Message = fmt.Sprintf("needs Envoy %s or later: %s", known[n], r.Message)
	} else {
		r.Message = Error(s, p).Message
	}
	return r
}

// Key names all inputs of findings except the sandbox itself: the module, the configuration as a
// hash, the other inputs of the sandbox, and the tests. The positions of tests in their file are no
// part of it.
func Key(mode Mode, s *spec.Spec, sha256OfModule string, config *string) string {
	var about any = "capabilities"
	if mode != Off {
		about = struct {
			Name, VMID, RootID string
			Type               spec.Type
			Policy             spec.FailurePolicy
			Config, VMConfig   string // hashes
			Runtime            string
			Env                map[string]string
			HostEnv            []string
			StopIteration      *bool
			Capabilities       []string
			Auto               bool
			Tests              []spec.Test
			Limits             spec.Limits
			NoSmoke            bool
		}{
			s.Name, s.VM.ID, s.RootID, s.Type, s.Policy, hashOf(config), hashOf(s.VM.Config), s.VM.Runtime, s.VM.Env, s.VM.HostEnv,
			s.AllowOnHeadersStopIteration, s.Capabilities, s.AutoCapabilities, withoutPositions(s.Tests),
			spec.Limits{TimePerRequest: s.Limits.TimePerRequest, Memory: s.Limits.Memory},
			s.NoSmoke,
		}
	}
	text, err := json.Marshal(about)
	if err != nil {
		// Strings, numbers, booleans, and maps, lists and structs of them always marshal.
		panic("examine: " + err.Error())
	}
	sum := sha256.Sum256(append([]byte(sha256OfModule+"\n"), text...))
	return hex.EncodeToString(sum[:])
}

// hashOf returns "" for nil.
func hashOf(config *string) string {
	if config == nil {
		return ""
	}
	sum := sha256.Sum256([]byte(*config))
	return hex.EncodeToString(sum[:])
}

func withoutPositions(tests []spec.Test) []spec.Test {
	tests = slices.Clone(tests)
	for i := range tests {
		t := &tests[i]
		t.Pos, t.Steps = spec.Position{}, slices.Clone(t.Steps)
		for j := range t.Steps {
			t.Steps[j].Pos, t.Steps[j].Expect.Pos = spec.Position{}, spec.Position{}
		}
	}
	return tests
}
