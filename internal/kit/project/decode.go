package project

import (
	"regexp"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

var (
	// module matches the field of every native spec.
	module = regexp.MustCompile(`(?m)(^\s*|[{,]\s*)["']?module["']?\s*:`)
	// foreign matches the kind of a manifest that is a spec.
	foreign = regexp.MustCompile(`(?m)(^|[{,]\s*)["']?kind["']?\s*:\s*["']?(` + strings.Join(spec.ForeignKinds(), "|") + `)\b`)
)

// Decode decodes a spec file as [spec.Decode] does. A YAML file of another program has no specs and
// no errors.
func Decode(file string, text []byte) (specs []*spec.Spec, errs []*spec.Error, broken bool) {
	if !module.Match(text) && !foreign.Match(text) {
		return nil, nil, false
	}
	return spec.Decode(file, text)
}
