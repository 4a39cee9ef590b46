package schema_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/kit/template"
	"github.com/wasm-xds/wasm-xds/internal/schema"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

var update = flag.Bool("update", false, "write docs/spec.schema.json")

// published is the file that the documentation's site serves.
const published = "../../docs/spec.schema.json"

func TestPublishedSchema(t *testing.T) {
	text, err := schema.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(published, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if template.SchemaURL != schema.URL {
		t.Errorf("init writes %s, and the schema is published as %s", template.SchemaURL, schema.URL)
	}
	want, err := os.ReadFile(published)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, text) {
		t.Errorf("%s is out of date: go test ./internal/schema -update\n%s", published, cmp.Diff(string(want), string(text)))
	}
}

// object is the part of a schema that the tests look at.
type object struct {
	Description string            `json:"description"`
	Properties  map[string]object `json:"properties"`
	Defs        map[string]object `json:"$defs"`
	Enum        []string          `json:"enum"`
}

func read(t *testing.T) object {
	t.Helper()
	text, err := schema.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var root object
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestFieldsOfTheDecoder compares the fields of each section with those that the decoder knows.
func TestFieldsOfTheDecoder(t *testing.T) {
	root := read(t)
	for name, tt := range map[string]struct {
		from     object
		sections []string // documents with an unknown field; the section has the fields of all of them
	}{
		"Spec":            {root, []string{"~~~~: 1"}},
		"Module":          {root.Defs["Module"], []string{"module: {~~~~: 1}"}},
		"Verify":          {root.Defs["Verify"], []string{"module: {verify: {~~~~: 1}}"}},
		"Identity":        {root.Defs["Identity"], []string{"module: {verify: {identities: [{~~~~: 1}]}}"}},
		"AttestationType": {root.Defs["AttestationType"], []string{"module: {verify: {attestations: [{~~~~: 1}]}}"}},
		"ConfigFrom":      {root.Defs["ConfigFrom"], []string{"configFrom: {~~~~: 1}"}},
		"VM":              {root.Defs["VM"], []string{"vm: {~~~~: 1}"}},
		"Nodes":           {root.Defs["Nodes"], []string{"nodes: {~~~~: 1}"}},
		"Limits":          {root.Defs["Limits"], []string{"limits: {~~~~: 1}"}},
		"Rollout":         {root.Defs["Rollout"], []string{"rollout: {~~~~: 1}"}},
		"StepValues":      {root.Defs["StepValues"], []string{"rollout: {steps: [{~~~~: 1}]}"}},
		"Health":          {root.Defs["Health"], []string{"rollout: {health: {~~~~: 1}}"}},
		"StepHealth":      {root.Defs["StepHealth"], []string{"rollout: {steps: [{to: 1, health: {~~~~: 1}}]}"}},
		"ShareBounds":     {root.Defs["ShareBounds"], []string{"rollout: {health: {errors: {~~~~: 1}}}"}},
		"Latency":         {root.Defs["Latency"], []string{"rollout: {health: {latency: {~~~~: 1}}}"}},
		"DelayBounds":     {root.Defs["DelayBounds"], []string{"rollout: {health: {latency: {p50: {~~~~: 1}}}}"}},
		"MetricLimit":     {root.Defs["MetricLimit"], []string{"rollout: {health: {metrics: {a: {~~~~: 1}}}}"}},
		"Prometheus":      {root.Defs["Prometheus"], []string{"rollout: {health: {prometheus: {~~~~: 1}}}"}},
		"Test":            {root.Defs["Test"], []string{"tests: [{~~~~: 1}]", "type: network\ntests: [{~~~~: 1}]", "type: service\ntests: [{~~~~: 1}]"}},
		"TestRequest":     {root.Defs["TestRequest"], []string{"tests: [{request: {~~~~: 1}}]"}},
		"TestResponse":    {root.Defs["TestResponse"], []string{"tests: [{upstream: {~~~~: 1}}]"}},
		"TestBytes":       {root.Defs["TestBytes"], []string{"tests: [{request: {body: {~~~~: 1}}}]"}},
		"TestExpect":      {root.Defs["TestExpect"], []string{"tests: [{expect: {~~~~: 1}}]", "type: network\ntests: [{expect: {~~~~: 1}}]"}},
		"TestLogLevel":    {root.Defs["TestLogLevel"], []string{"tests: [{expect: {logs: [{~~~~: 1}]}}]"}},
		"TestCall":        {root.Defs["TestCall"], []string{"tests: [{expect: {calls: [{~~~~: 1}]}}]"}},
	} {
		known := map[string]bool{}
		for _, section := range tt.sections {
			_, errs, _ := spec.Decode("a.yaml", []byte(section+"\n"))
			for _, e := range errs {
				if names, ok := strings.CutPrefix(e.Hint, "known here: "); ok && e.Code == spec.CodeUnknownField {
					for _, name := range strings.Split(names, ", ") {
						known[name] = true
					}
				}
			}
		}
		want := slices.Sorted(maps.Keys(known))
		if got := slices.Sorted(maps.Keys(tt.from.Properties)); !slices.Equal(got, want) {
			t.Errorf("%s: the schema has %q, and the decoder %q", name, got, want)
		}
	}
}

// TestDescriptions shows the schema explains each type and each field.
func TestDescriptions(t *testing.T) {
	root := read(t)
	check := func(name string, o object) {
		if o.Description == "" {
			t.Errorf("%s has no description", name)
		}
		for field, one := range o.Properties {
			if one.Description == "" || strings.Contains(one.Description, "\n") {
				t.Errorf("%s.%s: the description is %q", name, field, one.Description)
			}
		}
	}
	check("Spec", root)
	for name, one := range root.Defs {
		check(name, one)
	}
}

// TestEnums shows the decoder takes each word of the schema, and no other.
func TestEnums(t *testing.T) {
	root := read(t)
	for field, one := range root.Properties {
		for _, word := range one.Enum {
			text := "module: {file: a.wasm}\nconfig: {}\nvm: {id: a}\n" + field + ": " + word + "\n"
			if _, errs, _ := spec.Decode("a.yaml", []byte(text)); len(errs) > 0 {
				t.Errorf("the decoder refuses %s: %s: %v", field, word, errs)
			}
		}
		if len(one.Enum) == 0 {
			continue
		}
		_, errs, _ := spec.Decode("a.yaml", []byte("module: {file: a.wasm}\nconfig: {}\n"+field+": nonsense\n"))
		if len(errs) != 1 || errs[0].Code != spec.CodeBadValue {
			t.Errorf("%s: the decoder takes any word: %v", field, errs)
		}
	}
}
