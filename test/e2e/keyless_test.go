package e2e_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
	"github.com/wasm-xds/wasm-xds/internal/test/sigstoretest"
)

const (
	teamSubject = "https://ci.example.com/team/auth/build.yaml@refs/heads/main"
	teamIssuer  = "https://ci.example.com"
	slsa        = `{"builder": {"id": "https://ci.example.com/builder"}, "buildType": "test", "invocation": {}, "materials": []}`
)

// byTeam is module.verify of a spec that trusts the team's identity and wants the provenance.
const byTeam = `  verify:
    identities:
      - subjectRegExp: ^https://ci\.example\.com/team/auth/.*@refs/heads/main$
        issuer: https://ci.example.com
    attestations: [slsaprovenance]
`

// Images signed by the real cosign without a key, in either of its formats, go live: with an
// identity that is trusted, and with the attestation. Until then Envoy keeps the last good module.
// Nothing but the registry is asked.
func TestKeylessImage(t *testing.T) {
	for _, bundle := range []bool{false, true} {
		t.Run(fmt.Sprintf("bundle=%t", bundle), func(t *testing.T) {
			sigstore := sigstoretest.Start(t)
			root := sigstore.WriteRoot(t, sigstoretest.Root{})
			team := harness.NewKeyless(t, sigstore.Fulcio, sigstore.Rekor, root, sigstoretest.Token(teamSubject, teamIssuer))
			other := harness.NewKeyless(t, sigstore.Fulcio, sigstore.Rekor, root, sigstoretest.Token("other@example.com", teamIssuer))
			r := registrytest.Start(t, registrytest.Options{})
			s := newScenario(t, "--insecure-registry", "127.0.0.1", "--trusted-root", root)
			// Each image has its signatures before the tag leads to it, so no retry has to be
			// waited for.
			push := func(module []byte, sign func(image string)) {
				t.Helper()
				image := r.Push(t, "team/auth:next", registrytest.Artifact(module))
				sign(r.Ref("team/auth@" + image))
				r.Push(t, "team/auth:prod", registrytest.Artifact(module))
			}
			v1, v2 := authModule("v1"), authModule("v2")
			push(v1, func(image string) {
				team.SignImage(image, bundle)
				team.AttestImage(image, bundle, "slsaprovenance", slsa)
			})
			harness.WriteFile(t, filepath.Join(s.dir, auth+".yaml"),
				[]byte("module:\n  oci: "+r.Ref("team/auth:prod")+"\n  refresh: 1s\n"+byTeam))
			before := sigstore.Requests()
			s.cp.Start()
			all := s.eachVersion(v1, "v1")
			if now := sigstore.Requests(); now != before {
				t.Errorf("the server made %d requests to Sigstore", now-before)
			}

			push(authModule("unsigned"), func(string) {})
			s.waitError(auth, "signature_missing", v1)
			push(authModule("by somebody else"), func(image string) { other.SignImage(image, bundle) })
			s.waitError(auth, "signature_invalid", v1)
			push(authModule("without an attestation"), func(image string) { team.SignImage(image, bundle) })
			s.waitError(auth, "attestation_missing", v1)
			push(authModule("attested by somebody else"), func(image string) {
				team.SignImage(image, bundle)
				other.AttestImage(image, bundle, "slsaprovenance", slsa)
			})
			s.waitError(auth, "attestation_invalid", v1)
			push(v2, func(image string) {
				other.SignImage(image, bundle)
				team.SignImage(image, bundle)
				team.AttestImage(image, bundle, "slsaprovenance", slsa)
			})
			s.cp.WaitLive(auth, v2, len(all))
			all.live("v2")
			all.end()
		})
	}
}

// accepted is the part of the API with the signatures of a filter's module.
type accepted struct {
	Module struct {
		SHA256     string
		Signatures []struct{ Kind, PredicateType, Builder, Subject, Issuer, Log string }
	}
	Error *harness.APIError
}

// waitAccepted waits until a module is served, with the signature and the attestation of the team.
func (s *scenario) waitAccepted(module []byte, log string) {
	s.t.Helper()
	var got accepted
	if !harness.Poll(s.t.Context(), func() bool {
		got = accepted{}
		s.cp.GetJSON("/api/v1/filters/"+auth, &got)
		return got.Error == nil && got.Module.SHA256 == harness.SHA256(module)
	}) {
		s.t.Fatalf("the module is not served: %+v, %+v", got.Module, got.Error)
	}
	all := got.Module.Signatures
	if len(all) != 2 || all[0].Kind != "signature" || all[1].PredicateType != "https://slsa.dev/provenance/v0.2" || all[1].Builder == "" {
		s.t.Fatalf("it is signed by %+v", all)
	}
	for _, one := range all {
		if one.Subject != teamSubject || one.Issuer != teamIssuer || one.Log != log {
			s.t.Errorf("it is signed by %+v", one)
		}
	}
}

// A module in a file, signed and attested by the real cosign, is served while the trusted root
// beside it proves the signature. The server follows the root: another root proves other
// signatures, and a broken one leaves the last good revision.
func TestKeylessFile(t *testing.T) {
	old, fresh := sigstoretest.Start(t), sigstoretest.Start(t)
	s := newScenario(t)
	root, wasm := filepath.Join(s.dir, "root.json"), filepath.Join(s.dir, auth+".wasm")
	sign := func(with *sigstoretest.Sigstore) {
		t.Helper()
		team := harness.NewKeyless(t, with.Fulcio, with.Rekor, with.WriteRoot(t, sigstoretest.Root{}), sigstoretest.Token(teamSubject, teamIssuer))
		team.SignFile(wasm)
		team.AttestFile(wasm, "slsaprovenance", slsa)
	}
	v1, v2 := authModule("v1"), authModule("v2")
	harness.WriteFilter(t, s.dir, auth, v1, "")
	sign(old)
	harness.WriteFile(t, root, old.RootJSON(t, sigstoretest.Root{}))
	harness.WriteFile(t, filepath.Join(s.dir, auth+".yaml"), []byte("module:\n  file: ./auth.wasm\n"+byTeam+"    trustedRoot: ./root.json\n"))
	s.cp.Start()
	s.envoy(proxyOptions{})
	s.cp.WaitLive(auth, v1, 1)
	s.waitAccepted(v1, old.Rekor)

	harness.WriteFile(t, wasm, v2)
	s.waitError(auth, "signature_invalid", v1)
	sign(fresh)
	s.waitError(auth, "signature_invalid", v1) // the root does not know this Sigstore
	harness.WriteFile(t, root, fresh.RootJSON(t, sigstoretest.Root{}))
	s.cp.WaitLive(auth, v2, 1)
	s.waitAccepted(v2, fresh.Rekor)

	harness.WriteFile(t, root, []byte("{"))
	s.waitError(auth, "signature_root", v2)
	s.cp.Restart()
	s.waitError(auth, "signature_root", v2)
	harness.WriteFile(t, root, fresh.RootJSON(t, sigstoretest.Root{}))
	s.waitAccepted(v2, fresh.Rekor)
}
