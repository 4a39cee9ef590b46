package examine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/preflight"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Mode is what becomes of what the sandbox finds.
type Mode string

// The modes. The zero value is [Enforce].
const (
	Off     Mode = "off"     // nothing is run
	Warn    Mode = "warn"    // it is shown
	Enforce Mode = "enforce" // what would not load is not served
)

// Modes are all modes.
func Modes() []Mode { return []Mode{Off, Warn, Enforce} }

// Verdict is what the sandbox says of a filter, in a form that outlives its spec: it
// names no places, and holds nothing of the filter's configuration. It is immutable.
type Verdict struct {
	Errors   []Finding          `json:"errors,omitempty"`   // it loads nowhere, or a test failed
	Refusals []snapshot.Refusal `json:"refusals,omitempty"` // it loads on other versions only
	Warnings []Finding          `json:"warnings,omitempty"`
	// Capabilities is what capabilities: auto stands for, which may be nothing: then it is
	// empty. nil for specs without it.
	Capabilities []string `json:"capabilities"`
}

// Finding is one thing that the sandbox has found.
type Finding struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Test    string `json:"test,omitempty"` // the test that it is about; "": the module
	// Late: it took too long, which may be the machine's fault.
	Late bool `json:"late,omitempty"`
}

// In is the finding as an error of s, which it was made of.
func (f Finding) In(s *spec.Spec) *spec.Error {
	e := &spec.Error{Code: f.Code, Message: f.Message, Hint: f.Hint, Name: s.Name, Pos: position(s, f.Code)}
	if f.Test != "" {
		e.Pos = TestPosition(s, f.Test)
	}
	return e
}

// TookTooLong says whether the filter is refused for what may be the machine's fault:
// another run may find nothing.
// See docs/RATIONALE.md#why-is-a-refusal-for-time-tried-again.
func (v Verdict) TookTooLong() bool {
	return slices.ContainsFunc(v.Errors, func(f Finding) bool { return f.Late })
}

// TriedAgain is the verdict with a word on when what took too long is tried again.
func (v Verdict) TriedAgain(when string) Verdict {
	v.Errors = slices.Clone(v.Errors)
	for i := range v.Errors {
		if v.Errors[i].Late {
			v.Errors[i].Message += "; the machine may have been busy: it is tried again " + when
		}
	}
	return v
}

// late says whether a problem is that something took its time.
func late(code string) bool { return code == preflight.CodeTimeout || code == preflight.CodeLimitTime }

// Judge is [Filter] for all known versions, as a verdict. With [Off] it only finds out what
// capabilities: auto stands for.
func Judge(ctx context.Context, modules *preflight.Modules, mode Mode, s *spec.Spec, m Module, config *string) Verdict {
	var v Verdict
	if mode != Off {
		v = Filter(ctx, modules, s, m, config, nil).verdict(s, config)
	}
	if s.AutoCapabilities {
		// A module that cannot be read may call nothing; it fails for that, not for this.
		info, _ := preflight.Request{Module: m.Bytes, SHA256: m.SHA256, Modules: modules}.Info()
		v.Capabilities = preflight.Capabilities(info)
	}
	return v
}

// Needed says whether there is anything for [Judge] to find.
func Needed(mode Mode, s *spec.Spec) bool {
	return s.AutoCapabilities || mode != Off && s.VM.Runtime != spec.NullRuntime
}

func (r Result) verdict(s *spec.Spec, config *string) Verdict {
	secrets := secretsOf(s, config)
	finding := func(e *spec.Error) Finding {
		return Finding{Code: e.Code, Message: secrets.hide(e.Message), Hint: e.Hint, Late: late(e.Code)}
	}
	var v Verdict
	for _, p := range r.Problems {
		v.Errors = append(v.Errors, finding(Error(s, p)))
	}
	for _, t := range r.Failed() {
		f := finding(testError(s, t))
		f.Test, f.Late = t.Name, late(t.Trap)
		v.Errors = append(v.Errors, f)
	}
	for _, p := range r.Partial {
		refusal := refusalOf(s, p)
		refusal.Message = secrets.hide(refusal.Message)
		v.Refusals = append(v.Refusals, refusal)
		v.Warnings = append(v.Warnings, Finding{Code: refusal.Code, Message: refusal.Message, Hint: refusal.Hint})
	}
	for _, p := range r.Warnings {
		v.Warnings = append(v.Warnings, finding(Error(s, p)))
	}
	for i, e := range r.Doubts(s) {
		f := finding(e)
		f.Test = r.Doubtful()[i].Name
		v.Warnings = append(v.Warnings, f)
	}
	return v
}

// refusalOf says of a problem that some versions have which ones do, or which do not.
func refusalOf(s *spec.Spec, p preflight.Problem) snapshot.Refusal {
	known := preflight.Versions()
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

// Key names everything that a verdict follows from, but for the sandbox itself: the
// module, the configuration as a hash, the rest of what the sandbox is told, the tests.
// Where they stand in their file is no part of it.
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

// hashOf is "" for nil.
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
