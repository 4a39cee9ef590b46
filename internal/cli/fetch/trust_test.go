package fetch

import (
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestParseIdentity(t *testing.T) {
	for text, want := range map[string]spec.Identity{
		"subject=a,issuer=b":                      {Subject: "a", Issuer: "b"},
		"issuer=b,subject=a":                      {Subject: "a", Issuer: "b"},
		"subjectRegExp=^a{1,3}$,issuerRegExp=^b$": {SubjectRegExp: "^a{1,3}$", IssuerRegExp: "^b$"},
		"subject=a,c=d,issuer=b":                  {Subject: "a,c=d", Issuer: "b"},
	} {
		if got, err := parseIdentity(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, says := range map[string]string{
		"": "of the form", "a@b": "of the form", "subject=": "of the form", "subject=a": "needs both", "issuer=b": "needs both",
		"subject=a,subject=b,issuer=c": "twice", "subject=a,subjectRegExp=b,issuer=c": "not both", "subjectRegExp=(,issuer=c": "missing closing",
	} {
		if got, err := parseIdentity(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %+v, %v; want …%s…", text, got, err, says)
		}
	}
}

// Attestations need signers, and a type has to be known.
func TestAttest(t *testing.T) {
	signed := spec.Verify{Identities: []spec.Identity{{Subject: "a", Issuer: "b"}}}
	for text, says := range map[string]string{"slsaprovenance": "", "https://example.com/review/v1": "", "slsa": "neither a short name"} {
		err := (&Trust{verify: signed}).Attest([]string{text})
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := (&Trust{}).Attest([]string{"spdx"}); err == nil || !strings.Contains(err.Error(), "needs --verify-key") {
		t.Error(err)
	}
	if err := (&Trust{}).Attest(nil); err != nil {
		t.Error(err)
	}
}
