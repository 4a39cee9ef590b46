package signature

import (
	"encoding/json"
	"testing"

	"github.com/sigstore/sigstore-go/pkg/testing/data"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The root of the public Sigstore proves a provenance from GitHub's workflow: with the entry of the
// transparency log, and with the entry of the log of certificates, which the roots of the other
// tests do not ask for.
func TestPublicSigstore(t *testing.T) {
	text, err := json.Marshal(data.TrustedRoot(t, "public-good.json"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := ParseRoot(text)
	if err != nil {
		t.Fatal(err)
	}
	// The statement names a sha512 alone, so only the signer can be verified.
	result, err := root.verifier.Verify(data.Bundle(t, "sigstore.js@2.0.0-provenance.sigstore.json"),
		verify.NewPolicy(verify.WithoutArtifactUnsafe(), verify.WithoutIdentitiesUnsafe()))
	if err != nil {
		t.Fatal(err)
	}
	for one, want := range map[spec.Identity]bool{
		{SubjectRegExp: "^https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@", Issuer: "https://token.actions.githubusercontent.com"}: true,
		{SubjectRegExp: "^https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@", Issuer: "https://accounts.google.com"}:                 false,
		{SubjectRegExp: "^https://github.com/sigstore/other/", IssuerRegExp: ".*"}:                                                                        false,
	} {
		identity, err := NewIdentity(one)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := matchAny([]*Identity{identity}, *result.Signature.Certificate); (err == nil) != want {
			t.Errorf("%+v: %v", one, err)
		}
	}
}
