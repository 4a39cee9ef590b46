package bundled

import (
	"context"
	"os"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// readFiles brings the bundle of files to the disk of a reader, and reads the bundle.
func readFiles(t *testing.T, r *Reader, types, files map[string]string) *Version {
	t.Helper()
	var items []bundle.Item
	for title, text := range files {
		items = append(items, bundle.Item{Text: []byte(text), Entry: bundle.Entry{
			Title: title, MediaType: types[title], Digest: digest.FromString(text), Size: int64(len(text)),
		}})
	}
	a, err := bundle.NewArtifact(items, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := bundle.Push(t.Context(), a, target{r.Store.blobs}, "", nil); err != nil {
		t.Fatal(err)
	}
	v, err := r.Finish(t.Context(), a.Root, nil)
	if err != nil || len(v.Documents.Errors) > 0 {
		t.Fatalf("%v, %v", err, v)
	}
	return v
}

// target is a store in which all contents are without a name.
type target struct{ *blobs }

func (target) Resolve(_ context.Context, _ string) (d ocispec.Descriptor, err error) { return d, err }
func (target) Tag(_ context.Context, _ ocispec.Descriptor, _ string) error           { return nil }

// Without a signature of the bundle, each module needs its own, and the source puts the signatures
// beside the modules, where they are looked for.
func TestSignaturesOfAnUnsignedBundle(t *testing.T) {
	const module = "\x00asm\x01\x00\x00\x00"
	types := map[string]string{
		"a.yaml": bundle.SpecType, "x.wasm": bundle.ModuleType, "x.wasm.sig": bundle.FileType, "x.wasm.intoto.jsonl": bundle.FileType,
	}
	for _, unsigned := range []bool{true, false} {
		r := &Reader{
			Store: NewStore(t.TempDir()), Decode: spec.Decode, Log: zap.NewNop(), Failed: func(string) {},
			Names: func(string) bundle.Names {
				return bundle.Names{Tag: "etcd:///x", Exact: "etcd:///x", Unsigned: unsigned}
			},
		}
		if err := r.Store.Open(); err != nil {
			t.Fatal(err)
		}
		for _, signature := range []string{"first", "second", ""} {
			files := map[string]string{"a.yaml": "module: {file: x.wasm}\n", "x.wasm": module}
			if signature != "" {
				files["x.wasm.sig"] = signature
			}
			v := readFiles(t, r, types, files)
			s := v.Documents.Specs[0]
			if s.Module.Bundled == unsigned {
				t.Errorf("unsigned %v: Bundled is %v", unsigned, s.Module.Bundled)
			}
			beside := s.Module.File.Path + ".sig"
			text, _ := os.ReadFile(beside) // no file is an empty text
			want, reference := "", ""
			if unsigned && signature != "" {
				want, reference = signature, digest.FromString(signature).String()
			}
			if string(text) != want || v.Documents.References[beside] != reference {
				t.Errorf("unsigned %v, signature %q: %q lies beside the module, with the reference %q", unsigned, signature, text, v.Documents.References[beside])
			}
		}
	}
}
