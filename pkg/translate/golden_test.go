package translate_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

var update = flag.Bool("update", false, "write the golden files anew, and delete those of no case")

// sums is the golden file of the bytes themselves. A change in it alone, as a
// new protobuf library could bring, makes every Envoy load every filter again
// and a restarted server say other bytes under the same version.
const sums = "SHA256SUMS"

func TestGolden(t *testing.T) {
	want := map[string]bool{sums: true}
	var bytesSums strings.Builder
	for _, c := range cases() {
		want[c.name+".json"] = true
		t.Run(c.name, func(t *testing.T) {
			resource, err := translate.Resource(c.revision, c.code, testSalt, c.version)
			if err != nil {
				t.Fatal(err)
			}
			validate(t, resource)
			golden(t, c.name+".json", indent(t, resource))

			data, err := translate.Marshal(c.revision, c.code, testSalt, c.version)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&bytesSums, "%x  %s\n", sha256.Sum256(data), c.name)
		})
	}
	golden(t, sums, []byte(bytesSums.String()))
	orphans(t, want)
}

// validate applies Envoy's own rules for a resource.
func validate(t *testing.T, resource *corev3.TypedExtensionConfig) {
	t.Helper()
	filter, err := resource.GetTypedConfig().UnmarshalNew()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []proto.Message{resource, filter} {
		checker, ok := m.(interface{ ValidateAll() error })
		if !ok {
			t.Fatalf("%T cannot be validated", m)
		}
		if err := checker.ValidateAll(); err != nil {
			t.Error(err)
		}
	}
}

// indent is protojson without the spaces that it varies from build to build.
func indent(t *testing.T, m proto.Message) []byte {
	t.Helper()
	data, err := protojson.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		t.Fatal(err)
	}
	out.WriteByte('\n')
	return out.Bytes()
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test ./pkg/translate -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// orphans finds golden files without a case.
func orphans(t *testing.T, want map[string]bool) {
	t.Helper()
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if want[file.Name()] || file.IsDir() {
			continue
		}
		path := filepath.Join("testdata", file.Name())
		if !*update {
			t.Errorf("%s belongs to no case", path)
		} else if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
