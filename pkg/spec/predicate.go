package spec

import (
	"maps"
	"slices"
)

// PredicateName returns cosign's short name of a predicate type, and the URI itself if there is
// none.
func PredicateName(uri string) string {
	known := predicateTypes()
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if known[name] == uri {
			return name
		}
	}
	return uri
}

// predicateTypes are cosign's short names of predicate types, from its PredicateTypeMap.
func predicateTypes() map[string]string {
	return map[string]string{
		"custom":           "https://cosign.sigstore.dev/attestation/v1",
		"cyclonedx":        "https://cyclonedx.org/bom",
		"link":             "https://in-toto.io/Link/v1",
		"openvex":          "https://openvex.dev/ns",
		"slsaprovenance":   "https://slsa.dev/provenance/v0.2",
		"slsaprovenance02": "https://slsa.dev/provenance/v0.2",
		"slsaprovenance1":  "https://slsa.dev/provenance/v1",
		"spdx":             "https://spdx.dev/Document",
		"spdxjson":         "https://spdx.dev/Document",
		"vuln":             "https://cosign.sigstore.dev/attestation/vuln/v1",
	}
}
