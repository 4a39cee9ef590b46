package module

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
)

func TestResolveOCIErrors(t *testing.T) {
	reg, r := plain(t)
	good := []byte(goodWasm)
	wrong := func(change func(*ocispec.Descriptor)) registrytest.Image {
		image := registrytest.Artifact(good)
		described := ocispec.Descriptor{MediaType: registrytest.WasmLayer, Digest: digest.FromBytes(good), Size: int64(len(good))}
		change(&described)
		image.Layers[0].As = &described
		return image
	}
	tarOf := func(files ...registrytest.File) registrytest.Image {
		image := registrytest.Compat(nil)
		image.Layers[0].Content = registrytest.Gzip(registrytest.Tar(files...))
		return image
	}
	two := registrytest.Artifact(good)
	two.Layers = append(two.Layers, registrytest.Blob{MediaType: registrytest.WasmLayer, Content: []byte("another")})
	mixed := registrytest.Single("text/plain", []byte("a"))
	mixed.Layers = append(mixed.Layers, registrytest.Blob{MediaType: "text/html", Content: []byte("b")})
	garbled := registrytest.Compat(good)
	garbled.Layers[0].Content = garbled.Layers[0].Content[:len(garbled.Layers[0].Content)/2]
	none := registrytest.Artifact(good)
	none.Layers = nil
	for _, one := range []struct {
		name  string
		image registrytest.Image
		code  string
		part  string
	}{
		{"not Wasm", registrytest.Artifact([]byte("<html>")), CodeNotWasm, "HTML"},
		{"half", registrytest.Artifact(good[:20]), CodeMalformed, "incomplete"},
		{"no layers", none, CodeImage, "no layers"},
		{"two modules", two, CodeImage, "several Wasm layers"},
		{"no module", mixed, CodeImage, "text/plain (1 bytes), text/html (1 bytes)"},
		{"no module file", tarOf(registrytest.File{Name: "filter.bin", Content: good}), CodeArchive, "no .wasm"},
		{"path tricks", tarOf(registrytest.File{Name: "../plugin.wasm", Content: good}), CodeArchive, "leads out of it"},
		{"empty tar", tarOf(), CodeNotWasm, ""},
		{"tar of nothing but a directory", tarOf(registrytest.File{Name: "etc/"}), CodeArchive, "no .wasm"},
		{"cut gzip", garbled, CodeArchive, "no valid archive"},
		{"gzip in gzip in gzip", registrytest.Single("application/gzip", registrytest.Gzip(registrytest.Gzip(registrytest.Gzip(good)))), CodeNotWasm, "gzip"},
		{"larger than it says", wrong(func(d *ocispec.Descriptor) { d.Size-- }), registry.CodeCorrupt, ""},
		{"smaller than it says", wrong(func(d *ocispec.Descriptor) { d.Size++ }), registry.CodeCorrupt, ""},
		{"huge", wrong(func(d *ocispec.Descriptor) { d.Size = 1 << 60 }), CodeTooLarge, ""},
		{"negative", wrong(func(d *ocispec.Descriptor) { d.Size = -1 }), registry.CodeCorrupt, ""},
		{"index of attestations", registrytest.Index(registrytest.Artifact(good).For("unknown/unknown")), CodeImage, "unknown/unknown"},
		{"deep indexes", registrytest.Index(registrytest.Index(registrytest.Index(registrytest.Index(registrytest.Artifact(good))))), CodeImage, "indexes"},
	} {
		t.Run(one.name, func(t *testing.T) {
			name := "e/" + strings.ToLower(strings.ReplaceAll(one.name, " ", "-"))
			reg.Push(t, strings.NewReplacer("..", "").Replace(name)+":v1", one.image)
			_, problem := r.Resolve(t.Context(), ociModule(t, reg.Ref(strings.NewReplacer("..", "").Replace(name)+":v1")))
			if problem == nil || problem.Code != one.code || !strings.Contains(problem.Message, one.part) || problem.Pos != modulePos {
				t.Errorf("got %+v, want %s with %q", problem, one.code, one.part)
			}
			if problem != nil && !strings.Contains(problem.Message, name+":v1") {
				t.Errorf("which module? %s", problem.Message)
			}
		})
	}
	entries, err := os.ReadDir(filepath.Dir(r.Store.Path(sumOf(good))))
	if err != nil || len(entries) != 0 {
		t.Errorf("the store has %v, %v", entries, err)
	}
}

func TestResolveOCISHA256(t *testing.T) {
	reg, r := plain(t)
	reg.Push(t, "a:v1", registrytest.Artifact([]byte(goodWasm)))
	m := ociModule(t, reg.Ref("a:v1"))
	for range 2 { // the first time from the registry, the second time from the store
		m.SHA256 = sumOf([]byte("another"))
		if _, problem := r.Resolve(t.Context(), m); problem == nil || problem.Code != CodeSHA256Mismatch {
			t.Errorf("%v", problem)
		}
		m.SHA256 = sumOf([]byte(goodWasm))
		if _, problem := r.Resolve(t.Context(), m); problem != nil {
			t.Errorf("%v", problem)
		}
	}
}

func TestUnpackBombs(t *testing.T) {
	reg, r := plain(t)
	// 8 bytes of Wasm with zeros after them.
	var bomb bytes.Buffer
	w, err := zstd.NewWriter(&bomb, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, io.MultiReader(strings.NewReader("\x00asm\x01\x00\x00\x00"), io.LimitReader(zeros{}, MaxSize+1<<20))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, image := range map[string]registrytest.Image{
		"zstd": registrytest.Single("application/zstd", bomb.Bytes()),
	} {
		reg.Push(t, "bomb/"+name+":v1", image)
		_, problem := r.Resolve(t.Context(), ociModule(t, reg.Ref("bomb/"+name+":v1")))
		if problem == nil || problem.Code != CodeTooLarge {
			t.Errorf("%s: %v", name, problem)
		}
	}
}

func TestResolveOCIBrokenTransfers(t *testing.T) {
	var left atomic.Int32
	var corrupt atomic.Bool
	reg := registrytest.Start(t, registrytest.Options{Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			if request.Method != http.MethodGet || !strings.Contains(request.URL.Path, "/blobs/") || left.Add(-1) < 0 {
				next.ServeHTTP(w, request)
				return
			}
			w.Header().Set("Content-Length", strconv.Itoa(len(goodWasm)))
			if corrupt.Load() {
				_, _ = w.Write(bytes.Repeat([]byte("x"), len(goodWasm)))
				return
			}
			_, _ = w.Write([]byte(goodWasm[:10]))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		})
	}})
	reg.Push(t, "a:v1", registrytest.Artifact([]byte(goodWasm)))
	for _, wrongBytes := range []bool{false, true} {
		corrupt.Store(wrongBytes)
		m := ociModule(t, reg.Ref("a:v1"))
		left.Store(2)
		if _, problem := ociResolver(t, registry.Config{Insecure: []string{reg.Host}}).Resolve(t.Context(), m); problem != nil {
			t.Errorf("not tried again: %v", problem)
		}
		left.Store(1000)
		_, problem := ociResolver(t, registry.Config{Insecure: []string{reg.Host}}).Resolve(t.Context(), m)
		if problem == nil || !Retryable(problem) {
			t.Errorf("%+v", problem)
		}
		want := registry.CodeUnreachable
		if wrongBytes {
			want = registry.CodeCorrupt
		}
		if problem != nil && problem.Code != want {
			t.Errorf("%v has the code %s, want %s", problem, problem.Code, want)
		}
		left.Store(0)
	}
}
