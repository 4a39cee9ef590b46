package sigstoretest

import (
	"encoding/json"
	"testing"

	"github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"
)

// SignType is the predicate type of the signing statement of an image.
const SignType = "https://sigstore.dev/cosign/sign/v1"

// Who has the name of a signer, and the proofs of the time of signing.
type Who struct {
	Subject, Issuer string
	NoLog, Stamped  bool
}

// SignBlob returns the bundle of cosign sign-blob for data.
func (s *Sigstore) SignBlob(t testing.TB, who Who, data []byte) []byte {
	t.Helper()
	return s.sign(t, who, &sign.PlainData{Data: data})
}

// Statement returns an in-toto statement about the content with a sha256 in hex.
func Statement(t testing.TB, sha256, predicateType string, predicate any) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": predicateType,
		"subject": []any{map[string]any{"digest": map[string]any{"sha256": sha256}}}, "predicate": predicate,
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Attest returns the bundle of cosign attest, or of cosign sign if statement has [SignType].
func (s *Sigstore) Attest(t testing.TB, who Who, statement []byte) []byte {
	t.Helper()
	return s.sign(t, who, &sign.DSSEData{Data: statement, PayloadType: "application/vnd.in-toto+json"})
}

func (s *Sigstore) sign(t testing.TB, who Who, content sign.Content) []byte {
	t.Helper()
	key, err := sign.NewEphemeralKeypair(nil)
	if err != nil {
		t.Fatal(err)
	}
	options := sign.BundleOptions{
		Context:                    t.Context(),
		CertificateProvider:        sign.NewFulcio(&sign.FulcioOptions{BaseURL: s.Fulcio}),
		CertificateProviderOptions: &sign.CertificateProviderOptions{IDToken: Token(who.Subject, who.Issuer)},
	}
	if !who.NoLog {
		options.TransparencyLogs = []sign.Transparency{sign.NewRekor(&sign.RekorOptions{BaseURL: s.Rekor})}
	}
	if who.Stamped {
		options.TimestampAuthorities = []*sign.TimestampAuthority{sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{URL: s.TSA})}
	}
	bundle, err := sign.Bundle(content, key, options)
	if err != nil {
		t.Fatal(err)
	}
	text, err := protojson.Marshal(bundle)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
