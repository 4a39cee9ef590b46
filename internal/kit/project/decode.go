package project

import (
	"regexp"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

var (
	// module matches the field of every native spec.
	module = regexp.MustCompile(`(?m)(^\s*|[{,]\s*)["']?module["']?\s*:`)
	// manifest matches the kind of a manifest that describes Wasm filters.
	manifest = regexp.MustCompile(`(?m)(^[\s-]*|[{,]\s*)["']?kind["']?\s*:\s*["']?(` + strings.Join(spec.ForeignKinds(), "|") + `)\b`)
	// filter matches a Wasm filter of an Envoy.
	filter = regexp.MustCompile(`\.filters\.(http|network)\.wasm\.v3\.Wasm\b`)
	// bootstrap matches the configuration of a whole Envoy: the project's Envoy, and no filter.
	bootstrap = regexp.MustCompile(`\b(static_resources|staticResources|filter_chains|filterChains)\b`)
)

// Decode decodes a spec file as [spec.Decode] does. A YAML file of another program has no specs and
// no errors.
func Decode(file string, text []byte) (specs []*spec.Spec, errs []*spec.Error, broken bool) {
	if !module.Match(text) && !describesFilter(text) {
		return nil, nil, false
	}
	return spec.Decode(file, text)
}

// describesFilter says whether a text is a document of another system about a Wasm filter.
func describesFilter(text []byte) bool {
	kind := manifest.FindSubmatch(text)
	return kind != nil && string(kind[2]) != "EnvoyFilter" || filter.Match(text) && !bootstrap.Match(text)
}
