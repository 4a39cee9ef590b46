package docs_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wasm-xds/wasm-xds/internal/schema"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// beyondSchema are documents with unknown fields that a schema cannot know: a field that is only
// for filters of the type http, and one of a block of Envoy's.
var beyondSchema = []string{"network-errors.yaml", "typed-wrong-values.yaml"}

// TestSchemaAgreesWithTheDecoder checks the documents of the decoder's own tests, the examples and
// the specs in the documentation against the schema. An editor marks no valid spec, and marks each
// unknown field, each wrong type and each missing field.
func TestSchemaAgreesWithTheDecoder(t *testing.T) {
	t.Parallel()
	compiled := compiledSchema(t)
	good, bad := 0, 0
	for place, text := range schemaDocuments(t) {
		value, err := jsonOf(text)
		if err != nil || !isNative(value) || strings.Contains(text, "\n---") {
			continue
		}
		_, errs, _ := spec.Decode(place, []byte(text))
		problem := compiled.Validate(value)
		switch {
		case len(errs) == 0 && problem != nil:
			t.Errorf("%s: the decoder takes it, and the schema does not: %v\n%s", place, problem, text)
		case len(errs) == 0:
			good++
		case problem == nil && !slices.Contains(beyondSchema, filepath.Base(place)) && slices.ContainsFunc(errs, func(e *spec.Error) bool { return e.Code == spec.CodeUnknownField }):
			t.Errorf("%s: the schema takes it, and the decoder does not: %v\n%s", place, errs[0], text)
		default:
			bad++
		}
	}
	if good < 60 || bad < 60 {
		t.Errorf("only %d good and %d bad documents", good, bad)
	}
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := schema.JSON()
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schema.URL, value); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile(schema.URL)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func jsonOf(text string) (any, error) {
	converted, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(converted))
}

// isNative says whether a document is meant as a spec.
func isNative(value any) bool {
	fields, ok := value.(map[string]any)
	return ok && fields["module"] != nil && fields["kind"] == nil
}

// schemaDocuments returns single documents by their places.
func schemaDocuments(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	archives, err := filepath.Glob("../../pkg/spec/testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives", err)
	}
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if strings.HasSuffix(f.Name, ".yaml") {
				all[path+"/"+f.Name] = string(f.Data)
			}
		}
	}
	err = filepath.WalkDir("../../examples", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
