package project

import (
	"regexp"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// module matches the field of every spec.
var module = regexp.MustCompile(`(?m)(^\s*|[{,]\s*)["']?module["']?\s*:`)

// Decode decodes a spec file as [spec.Decode] does. A YAML file of another program has no specs and
// no errors.
func Decode(file string, text []byte) (specs []*spec.Spec, errs []*spec.Error, broken bool) {
	if !module.Match(text) {
		return nil, nil, false
	}
	return spec.Decode(file, text)
}
