package module

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// ociResolver returns a resolver with access to the test's registries.
func ociResolver(t *testing.T, cfg registry.Config) *Resolver {
	t.Helper()
	r := newResolver(t)
	if cfg.DockerConfig == "" {
		cfg.DockerConfig = filepath.Join(t.TempDir(), "none")
	}
	client, err := registry.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	r.Registry = client
	return r
}

func plain(t *testing.T) (*registrytest.Registry, *Resolver) {
	t.Helper()
	reg := registrytest.Start(t, registrytest.Options{})
	return reg, ociResolver(t, registry.Config{Insecure: []string{reg.Host}})
}

func ociModule(t *testing.T, reference string) spec.Module {
	t.Helper()
	ref, err := spec.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	return spec.Module{OCI: ref, Pos: modulePos}
}

func zstdOf(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// shapes returns images in all supported forms with the same module.
func shapes(t *testing.T, module []byte) map[string]registrytest.Image {
	t.Helper()
	other := registrytest.Artifact([]byte("not for us"))
	zstdCompat := registrytest.Compat(module)
	zstdCompat.Layers = []registrytest.Blob{{
		MediaType: ocispec.MediaTypeImageLayerZstd, Content: zstdOf(t, registrytest.Tar(registrytest.File{Name: "plugin.wasm", Content: module})),
	}}
	plainTar := registrytest.Compat(module)
	plainTar.Layers = []registrytest.Blob{
		{MediaType: ocispec.MediaTypeImageLayerGzip, Content: registrytest.Gzip(registrytest.Tar(registrytest.File{Name: "etc/os-release", Content: []byte("base")}))},
		{MediaType: ocispec.MediaTypeImageLayer, Content: registrytest.Tar(
			registrytest.File{Name: "README", Content: []byte("read me")}, registrytest.File{Name: "./plugin.wasm", Content: module},
			registrytest.File{Name: "LICENSE", Content: []byte("do as you like")})},
	}
	attestation := registrytest.Artifact([]byte("provenance")).For("unknown/unknown")
	return map[string]registrytest.Image{
		"artifact":                    registrytest.Artifact(module),
		"single, octet-stream":        registrytest.Single("application/octet-stream", module),
		"single, own type":            registrytest.Single("application/vnd.example.filter.v1+wasm", module),
		"single, gzip":                registrytest.Single("application/vnd.example.filter.v1+gzip", registrytest.Gzip(module)),
		"single, tar+gzip":            registrytest.Single("application/gzip", registrytest.Gzip(registrytest.Tar(registrytest.File{Name: "plugin.wasm", Content: module}))),
		"solo":                        registrytest.Solo(module, []string{"auth_root"}),
		"solo, further layers":        registrytest.Solo(module, nil, registrytest.Blob{MediaType: "text/plain", Content: []byte("notes")}, registrytest.Blob{MediaType: "application/json", Content: []byte("{}")}),
		"compat":                      registrytest.Compat(module),
		"compat, Docker":              registrytest.DockerCompat(module),
		"compat, zstd":                zstdCompat,
		"compat, tar and base layers": plainTar,
		"index, Wasm beside others":   registrytest.Index(other.For("linux/amd64"), registrytest.Artifact(module).For("wasip1/wasm"), other.For("wasip2/wasm")),
		"index, containers":           registrytest.Index(attestation, registrytest.Compat([]byte("arm")).For("linux/arm64"), registrytest.Compat(module).For("linux/amd64")),
		"index, without platforms":    registrytest.Index(registrytest.Artifact(module), other),
		"index of indexes":            registrytest.Index(registrytest.Index(registrytest.Artifact(module).For("wasi/wasm"))),
	}
}

func TestResolveOCIShapes(t *testing.T) {
	reg, r := plain(t)
	debian := registrytest.Debian(t)
	fromDebian := ociResolver(t, registry.Config{Insecure: []string{debian.Host}})
	for name, image := range shapes(t, []byte(goodWasm)) {
		t.Run(name, func(t *testing.T) {
			pushed := reg.Push(t, "team/filter:"+strings.Map(tagRune, name), image)
			m := ociModule(t, reg.Ref("team/filter:"+strings.Map(tagRune, name)))
			got, err := r.Resolve(t.Context(), m)
			if err != nil {
				t.Fatal(err)
			}
			if got.SHA256 != sumOf([]byte(goodWasm)) || got.Size != int64(len(goodWasm)) || got.Digest != pushed || got.Reference != m.OCI.String() {
				t.Errorf("got %+v, pushed %s", got, pushed)
			}
			if want := map[string]string{"solo": "auth_root"}[name]; got.RootID != want {
				t.Errorf("the root ID is %q, want %q", got.RootID, want)
			}
			// Pull again by digest, from Debian's registry, too.
			again, err := ociResolver(t, registry.Config{Insecure: []string{reg.Host}}).Resolve(t.Context(), ociModule(t, reg.Ref("team/filter@"+pushed)))
			if err != nil || again.SHA256 != got.SHA256 || again.Digest != pushed {
				t.Errorf("by its digest: %+v, %v", again, err)
			}
			debian.Push(t, "team/filter:v1", image)
			old, err := fromDebian.Resolve(t.Context(), ociModule(t, debian.Ref("team/filter:v1")))
			if err != nil || old.SHA256 != got.SHA256 || old.Digest != pushed {
				t.Errorf("from Debian's registry: %+v, %v", old, err)
			}
		})
	}
}

func tagRune(r rune) rune {
	if r == ' ' || r == ',' || r == '+' {
		return '-'
	}
	return r
}

func TestResolveOCIOnce(t *testing.T) {
	reg, r := plain(t)
	reg.Push(t, "a:v1", registrytest.Artifact([]byte(goodWasm)))
	reg.Requests("")
	m := ociModule(t, reg.Ref("a:v1"))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := r.Resolve(t.Context(), m); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := reg.Fetched([]byte(goodWasm)); n != 1 {
		t.Errorf("%d downloads", n)
	}
	// With a known digest no registry is necessary, even after a restart.
	digest, problem := r.ResolveTag(t.Context(), m)
	if problem != nil {
		t.Fatal(problem)
	}
	reg.Stop()
	m.OCI.Digest = digest
	store, err := OpenStore(filepath.Dir(r.Store.Path(sumOf([]byte(goodWasm)))))
	if err != nil {
		t.Fatal(err)
	}
	restarted := &Resolver{Store: store, Registry: r.Registry}
	got, problem := restarted.Resolve(t.Context(), m)
	if problem != nil || got.SHA256 != sumOf([]byte(goodWasm)) {
		t.Errorf("%+v, %v", got, problem)
	}
	// The store notices a damaged byte, and repairs the module once the registry is available.
	damage(t, store, got.SHA256, "rot")
	if _, problem := restarted.Resolve(t.Context(), m); problem == nil || problem.Code != registry.CodeUnreachable || !Retryable(problem) {
		t.Errorf("%v", problem)
	}
	reg.Restart(t)
	if _, problem := restarted.Resolve(t.Context(), m); problem != nil {
		t.Error(problem)
	}
	if content, err := store.Read(got.SHA256); err != nil || string(content) != goodWasm {
		t.Errorf("%q, %v", content, err)
	}
}

func TestRottenNote(t *testing.T) {
	reg, r := plain(t)
	reg.Push(t, "a:v1", registrytest.Solo([]byte(goodWasm), []string{"auth_root"}))
	m := ociModule(t, reg.Ref("a:v1"))
	got, problem := r.Resolve(t.Context(), m)
	if problem != nil {
		t.Fatal(problem)
	}
	note := filepath.Join(filepath.Dir(r.Store.Path(got.SHA256)), imageName(got.Digest))
	text, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(note); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(note, bytes.Replace(text, []byte("auth_root"), []byte("else_root"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, problem := r.Resolve(t.Context(), m); problem != nil || got.RootID != "auth_root" {
		t.Errorf("%+v, %v", got, problem)
	}
	if removed, err := r.Store.Collect(func(string) bool { return false }, 0); err != nil || removed != 1 {
		t.Errorf("%d, %v", removed, err)
	}
	if _, err := os.Stat(note); !os.IsNotExist(err) {
		t.Errorf("the note of a module that was collected is there: %v", err)
	}
}

func TestResolveOCICredentials(t *testing.T) {
	const user, password = "ann", "s3cret"
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(user+":"+password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, options := range map[string]registrytest.Options{
		"basic": {User: user, Password: password, TLS: true}, "token": {User: user, Password: password, TLS: true, Token: true},
		"token over plain HTTP": {User: user, Password: password, Token: true},
	} {
		t.Run(name, func(t *testing.T) {
			reg := registrytest.Start(t, options)
			reg.Push(t, "team/a:v1", registrytest.Artifact([]byte(goodWasm)))
			cfg := registry.Config{CAFile: reg.CAFile}
			if !options.TLS {
				cfg.Insecure = []string{"127.0.0.1"}
			}
			r := ociResolver(t, cfg)
			m := ociModule(t, reg.Ref("team/a:v1"))
			_, problem := r.Resolve(t.Context(), m)
			if problem == nil || problem.Code != registry.CodeUnauthorized {
				t.Errorf("without credentials: %v", problem)
			}
			m.PullSecret = &spec.FileRef{Path: secret}
			if _, problem := r.Resolve(t.Context(), m); problem != nil {
				t.Errorf("with credentials: %v", problem)
			}
			if options.TLS {
				if _, problem := ociResolver(t, registry.Config{}).Resolve(t.Context(), m); problem == nil || problem.Code != registry.CodeUntrusted || !strings.Contains(problem.Hint, "--ca-file") {
					t.Errorf("without the CA: %v", problem)
				}
			}
		})
	}
}
