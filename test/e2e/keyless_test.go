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
			// Each image has its signatures before the tag leads to it, so that no retry has to be
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
