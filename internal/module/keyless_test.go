package module

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
	"github.com/wasm-xds/wasm-xds/internal/test/sigstoretest"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

var (
	team       = sigstoretest.Who{Subject: "team@example.com", Issuer: "https://issuer.example.com"}
	provenance = spec.Attestation{Type: "https://slsa.dev/provenance/v1", As: "slsaprovenance1", Pos: spec.Position{File: "a.yaml", Line: 9, Column: 2}}
)

// byTeam wants the team's signature. Each part has a position of its own.
func byTeam(attestations ...spec.Attestation) spec.Verify {
	return spec.Verify{
		Identities:   []spec.Identity{{Subject: team.Subject, Issuer: team.Issuer, Pos: spec.Position{File: "a.yaml", Line: 7, Column: 2}}},
		Attestations: attestations,
	}
}

// site is a web server of files.
type site struct {
	mu    sync.Mutex
	files map[string][]byte
	asked []string
}

func (s *site) put(path string, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path], s.asked = text, nil
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.URL.Path)
	text, ok := s.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(text)
}

// A module from a URL is accepted with the signature and the attestation of an identity beside it.
// An error is at the line of the part that is not fulfilled, and the module is looked at again.
func TestKeylessURL(t *testing.T) {
	sigstore := sigstoretest.Start(t)
	s := &site{files: map[string][]byte{"/a.wasm": []byte(goodWasm)}}
	m := urlModule(serve(t, s.ServeHTTP) + "/a.wasm")
	m.Pos = spec.Position{File: "a.yaml", Line: 2, Column: 2}
	m.Verify = byTeam()
	r := newResolver(t)
	refused := func(code, says string, line int) {
		t.Helper()
		_, err := r.Resolve(t.Context(), m)
		wantError(t, err, code, says, "")
		if err.Pos.Line != line || Retryable(err) != (code != signature.CodeRoot) {
			t.Errorf("%+v is at line %d", err, err.Pos.Line)
		}
	}
	refused(signature.CodeRoot, "there is no trusted root", 7)
	r.Verify.TrustedRoot = &spec.FileRef{Path: sigstore.WriteRoot(t, sigstoretest.Root{})}
	refused(signature.CodeMissing, "a.wasm is not signed", 2)
	s.put("/a.wasm.sigstore.json", sigstore.SignBlob(t, team, []byte(goodWasm)))
	if _, err := r.Resolve(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(s.asked, "/a.wasm.intoto.jsonl") {
		t.Error("attestations are fetched that nobody asks for")
	}
	m.Verify = byTeam(provenance)
	refused(signature.CodeAttestationMissing, "a.wasm has no attestation slsaprovenance1", 9)
	other := sigstore.Attest(t, team, sigstoretest.Statement(t, sumOf([]byte("other")), provenance.Type, map[string]any{}))
	s.put("/a.wasm.intoto.jsonl", other)
	refused(signature.CodeAttestationInvalid, "a.wasm.intoto.jsonl:1: it is about another digest", 9)
	good := sigstore.Attest(t, team, sigstoretest.Statement(t, sumOf([]byte(goodWasm)), provenance.Type, map[string]any{}))
	s.put("/a.wasm.intoto.jsonl", append(append(other, "\n\n"...), good...))
	stored, err := r.Resolve(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if all := r.Signatures(stored); len(all) != 2 || all[0].Subject != team.Subject || all[1].PredicateType != provenance.Type {
		t.Errorf("it is signed by %+v", all)
	}
	m.Verify.TrustedRoot = &spec.FileRef{Path: filepath.Join(t.TempDir(), "missing"), Pos: spec.Position{Line: 8}}
	refused(signature.CodeRoot, "no such file", 8)
}

// The server's identities are required of modules and of bundles from registries, and are looked at
// beside the spec's own.
func TestKeylessServer(t *testing.T) {
	sigstore := sigstoretest.Start(t)
	reg, r := plain(t)
	r.Verify = byTeam()
	r.Verify.TrustedRoot = &spec.FileRef{Path: sigstore.WriteRoot(t, sigstoretest.Root{})}
	pushed := reg.Push(t, "team/a:v1", registrytest.Artifact([]byte(goodWasm)))
	m := ociModule(t, reg.Ref("team/a:v1"))
	manifest, err := reg.Repository("team/a").Resolve(t.Context(), pushed)
	if err != nil {
		t.Fatal(err)
	}
	client, err := registry.New(registry.Config{Insecure: []string{reg.Host}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, problem := r.Resolve(t.Context(), m)
	wantError(t, problem, signature.CodeMissing, "is not signed", "as team@example.com")
	wantError(t, r.CheckBundle(t.Context(), client, m.OCI, manifest), signature.CodeMissing, "is not signed", "")

	statement := sigstoretest.Statement(t, manifest.Digest.Encoded(), sigstoretest.SignType, map[string]any{})
	bundle := sigstore.Attest(t, team, statement)
	subject := manifest
	reg.Push(t, "team/a:signature", registrytest.Image{
		ArtifactType: "application/vnd.dev.sigstore.bundle.v0.3+json", Subject: &subject,
		Config: registrytest.Blob{MediaType: ocispec.MediaTypeEmptyJSON, Content: []byte("{}")},
		Layers: []registrytest.Blob{{MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", Content: bundle}},
	})
	if _, problem := r.Resolve(t.Context(), m); problem != nil {
		t.Error(problem)
	}
	if problem := r.CheckBundle(t.Context(), client, m.OCI, manifest); problem != nil {
		t.Error(problem)
	}
	m.Verify = spec.Verify{Identities: []spec.Identity{{Subject: "other@example.com", Issuer: team.Issuer}}}
	_, problem = r.Resolve(t.Context(), m)
	wantError(t, problem, signature.CodeInvalid, "it is by team@example.com", "")
	result, problem := r.Examine(t.Context(), m)
	if problem != nil || len(result.Checks) != 2 || result.Checks[0].Problem == nil || result.Checks[1].Problem != nil || !result.Checks[1].Server {
		text, _ := json.Marshal(result)
		t.Errorf("%s, %v", text, problem)
	}
}
