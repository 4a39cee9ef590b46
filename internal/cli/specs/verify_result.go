package specs

import (
	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// verifying is a run of verify. Its JSON is the output.
type verifying struct {
	OK      bool         `json:"ok"`
	Modules []verified   `json:"modules"`
	Errors  []*api.Error `json:"errors"` // of specs that cannot be read

	problems []*spec.Error // the same
}

// verified is a module with its signatures.
type verified struct {
	Name   string          `json:"name,omitempty"` // of the spec; "": the argument was no spec
	Module string          `json:"module"`
	Digest string          `json:"digest"`
	OK     bool            `json:"ok"`
	Checks []verifiedCheck `json:"checks"`
	Error  *api.Error      `json:"error"` // why the answer is not known; null: it is

	problem *spec.Error // the same
}

// verifiedCheck is the judgement of the spec or of the flags.
type verifiedCheck struct {
	By       string            `json:"by"` // spec or flags
	Required bool              `json:"required"`
	OK       bool              `json:"ok"`
	Found    []signature.Found `json:"found"`
	Error    *api.Error        `json:"error"`

	problem *spec.Error // the same
}

// named is a module with the name of the spec.
type named struct {
	name, shown string
	module      spec.Module
}

// add adds a module with the result for it.
func (v *verifying) add(one named, found module.Examined, problem *spec.Error) {
	out := verified{Name: one.name, Module: one.shown, Digest: found.Digest, OK: true, Checks: []verifiedCheck{}}
	if problem != nil {
		problem.Name = one.name
		out.OK, out.problem, out.Error = false, problem, api.FromSpec(problem)
	}
	for _, check := range found.Checks {
		c := verifiedCheck{By: "spec", Required: check.Required, OK: check.Problem == nil, Found: check.Found}
		if check.Server {
			c.By = "flags"
		}
		if c.Found == nil {
			c.Found = []signature.Found{}
		}
		if check.Problem != nil {
			check.Problem.Name = one.name
			out.OK, c.problem, c.Error = false, check.Problem, api.FromSpec(check.Problem)
		}
		out.Checks = append(out.Checks, c)
	}
	v.OK = v.OK && out.OK
	v.Modules = append(v.Modules, out)
}
