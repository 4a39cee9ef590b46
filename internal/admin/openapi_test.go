package admin

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

var update = flag.Bool("update", false, "write docs/openapi.json anew")

const openAPIFile = "../../docs/openapi.json"

// TestOpenAPIPage compares docs/openapi.json with the types of the API's answers.
func TestOpenAPIPage(t *testing.T) {
	text := request(t, Handler(someState(), Options{Version: "v1"}), "GET", openAPIPath, nil).Body.Bytes()
	if *update {
		if err := os.WriteFile(openAPIFile, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(openAPIFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, want) {
		t.Errorf("docs/openapi.json is not what the API is; run the test with -update: %s", cmp.Diff(string(want), string(text)))
	}
}

// document is the part of an OpenAPI document for the tests.
type document struct {
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]schema }
}

type operation struct {
	Summary   string
	Responses map[string]struct {
		Content map[string]struct{ Schema schema }
	}
}

type schema struct {
	Ref                  string `json:"$ref"`
	Type                 string
	Properties           map[string]schema
	Required             []string
	Items                *schema
	AdditionalProperties *schema
	OneOf                []schema
}

// check returns the places where a value differs from the schema: missing or unknown fields.
func (d *document) check(at string, s schema, value any) (wrong []string) {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return d.check(at, d.Components.Schemas[name], value)
	}
	if s.Type == "" && len(s.OneOf) == 0 {
		return nil // any value
	}
	if len(s.OneOf) > 0 {
		if value == nil {
			return nil
		}
		return d.check(at, s.OneOf[0], value)
	}
	switch value := value.(type) {
	case map[string]any:
		for _, name := range s.Required {
			if _, there := value[name]; !there {
				wrong = append(wrong, at+"."+name+" is missing")
			}
		}
		for name, one := range value {
			p, known := s.Properties[name]
			switch {
			case known:
				wrong = append(wrong, d.check(at+"."+name, p, one)...)
			case s.AdditionalProperties != nil:
				wrong = append(wrong, d.check(at+"."+name, *s.AdditionalProperties, one)...)
			case s.Properties != nil:
				wrong = append(wrong, at+"."+name+" is not in the document")
			}
		}
	case []any:
		if s.Items == nil {
			return []string{at + " is a list"}
		}
		for i, one := range value {
			wrong = append(wrong, d.check(fmt.Sprintf("%s[%d]", at, i), *s.Items, one)...)
		}
	case nil:
		return []string{at + " is null"}
	case string:
		if s.Type != "string" {
			return []string{at + " is a string"}
		}
	case bool:
		if s.Type != "boolean" {
			return []string{at + " is a boolean"}
		}
	case float64:
		if s.Type != "integer" && s.Type != "number" {
			return []string{at + " is a number"}
		}
	}
	return wrong
}

// TestAnswersAreAsTheDocumentSays: each GET of the index is answered as documented.
func TestAnswersAreAsTheDocumentSays(t *testing.T) {
	s := someState()
	s.histories = map[string]api.History{"auth": {Name: "auth", Revisions: []api.Revision{{Revision: "0123456789ab"}}}}
	s.contents = map[string]api.Content{"auth": {Name: "auth", Resource: map[string]any{"name": "auth"}, Tests: []api.TestResult{{Name: "denies"}}}}
	s.nodes = []api.Node{{ID: "edge-1", State: api.NodeConnected, Filters: []api.NodeFilter{{Name: "auth"}}, Warnings: []*api.Error{{Code: "x"}}}}
	s.source.Error, s.source.Errors = &api.Error{Code: "x"}, []*api.Error{{Code: "y"}}
	h := Handler(s, Options{Version: "v1"})
	var d document
	decode(t, request(t, h, "GET", openAPIPath, nil).Body, &d)
	var index api.Index
	decode(t, request(t, h, "GET", "/api/v1/", nil).Body, &index)
	if index.Version != "v1" || index.OpenAPI != openAPIPath || len(index.Endpoints) == 0 {
		t.Fatalf("the index is %+v", index)
	}
	paths := 0
	for _, e := range index.Endpoints {
		operation, there := d.Paths[e.Path][strings.ToLower(e.Method)]
		if !there || operation.Summary != e.Summary {
			t.Errorf("%s %s is not in the document", e.Method, e.Path)
		}
		paths++
		answers := operation.Responses["200"].Content["application/json"]
		if e.Method != http.MethodGet || strings.HasSuffix(e.Path, "/events") {
			continue
		}
		got := request(t, h, "GET", strings.ReplaceAll(e.Path, "{name}", "auth"), nil)
		var value any
		if err := json.Unmarshal(got.Body.Bytes(), &value); err != nil || got.Code != http.StatusOK {
			t.Errorf("%s: %d %s", e.Path, got.Code, got.Body)
			continue
		}
		for _, wrong := range d.check(e.Path, answers.Schema, value) {
			t.Error(wrong)
		}
	}
	if bad := d.check("x", d.Components.Schemas["Filter"], map[string]any{"name": 1.0, "more": ""}); len(bad) < 3 {
		t.Errorf("the check finds %q only", bad)
	}
}

// TestAPIPageHasTheEndpoints compares the table of docs/api.md with the index.
func TestAPIPageHasTheEndpoints(t *testing.T) {
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented, have []string
	for _, match := range regexp.MustCompile("(?m)^\\| `((?:GET|POST|DELETE) /api/v1[^`]*)`").FindAllSubmatch(page, -1) {
		documented = append(documented, string(match[1]))
	}
	for _, e := range endpoints() {
		have = append(have, e.Method+" "+e.Path)
	}
	slices.Sort(documented)
	slices.Sort(have)
	if diff := cmp.Diff(have, documented); diff != "" {
		t.Errorf("docs/api.md does not list what the API has: %s", diff)
	}
}
