package spec_test

import (
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestNearest(t *testing.T) {
	known := []string{"failurePolicy", "module", "name", "nodes", "config", "configFrom", "auth", "team-a/auth-v2"}
	for name, want := range map[string]string{
		"failurepolicy":   "failurePolicy",
		"failure-policy":  "failurePolicy",
		"failurePolicies": "failurePolicy",
		"modul":           "module",
		"modules":         "module",
		"nmae":            "name",
		"node":            "nodes",
		"conifg":          "config",
		"config_from":     "configFrom",
		"auth2":           "auth",
		"team-a/auth":     "team-a/auth-v2",
		"prod-auth":       "auth",
		"x":               "",
		"":                "",
		"---":             "",
		"wibble":          "",
		"entirely-else":   "",
	} {
		if got := spec.Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
	if got := spec.Nearest(strings.Repeat("a", 1000), []string{strings.Repeat("a", 999)}); got != "" {
		t.Errorf("compared names that cannot be")
	}
}

func TestMatches(t *testing.T) {
	edge := map[string]string{"env": "prod", "zone": "a"}
	tests := map[string]struct {
		selector spec.NodeSelector
		want     bool
	}{
		"empty":              {spec.NodeSelector{}, true},
		"id":                 {spec.NodeSelector{IDs: []string{"x", "edge-1"}}, true},
		"another id":         {spec.NodeSelector{IDs: []string{"edge"}}, false},
		"cluster":            {spec.NodeSelector{Clusters: []string{"edge"}}, true},
		"another cluster":    {spec.NodeSelector{Clusters: []string{"core"}}, false},
		"metadata":           {spec.NodeSelector{Metadata: map[string]string{"env": "prod"}}, true},
		"all metadata":       {spec.NodeSelector{Metadata: map[string]string{"env": "prod", "zone": "a"}}, true},
		"some metadata":      {spec.NodeSelector{Metadata: map[string]string{"env": "prod", "zone": "b"}}, false},
		"unknown metadata":   {spec.NodeSelector{Metadata: map[string]string{"tier": ""}}, false},
		"id and cluster":     {spec.NodeSelector{IDs: []string{"edge-1"}, Clusters: []string{"edge"}}, true},
		"id, not cluster":    {spec.NodeSelector{IDs: []string{"edge-1"}, Clusters: []string{"core"}}, false},
		"cluster, not id":    {spec.NodeSelector{IDs: []string{"x"}, Clusters: []string{"edge"}}, false},
		"cluster, not metas": {spec.NodeSelector{Clusters: []string{"edge"}, Metadata: map[string]string{"env": "dev"}}, false},
	}
	for name, test := range tests {
		if got := test.selector.Matches("edge-1", "edge", edge); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
		if got := test.selector.Empty(); got != (name == "empty") {
			t.Errorf("%s: Empty is %v", name, got)
		}
	}
}
