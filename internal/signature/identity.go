package signature

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Identity is a trusted owner of certificates. An Identity is immutable.
type Identity struct {
	words   string // for messages
	matches verify.CertificateIdentity
	print   string // a hash of the fields
}

// NewIdentity returns the identity of a spec. NewIdentity fails unless both subject and issuer are
// given.
func NewIdentity(one spec.Identity) (*Identity, error) {
	matches, err := verify.NewShortCertificateIdentity(one.Issuer, one.IssuerRegExp, one.Subject, one.SubjectRegExp)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", one.Subject, one.SubjectRegExp, one.Issuer, one.IssuerRegExp))
	return &Identity{
		words: cmp.Or(one.Subject, one.SubjectRegExp) + " (" + cmp.Or(one.Issuer, one.IssuerRegExp) + ")", matches: matches,
		print: hex.EncodeToString(sum[:]),
	}, nil
}

// fingerprint returns 64 hex digits for the identity together with a root.
func (i *Identity) fingerprint(by *Root) string {
	sum := sha256.Sum256([]byte(i.print + " " + by.Fingerprint))
	return hex.EncodeToString(sum[:])
}

// match returns nil if the certificate belongs to the identity.
func (i *Identity) match(of certificate.Summary) error {
	// A pattern could match an empty issuer, which nobody has vouched for.
	if of.Issuer == "" {
		return errors.New("its certificate has no issuer")
	}
	return i.matches.Verify(of)
}

// matchAny returns the first identity with a match for a certificate.
func matchAny(identities []*Identity, of certificate.Summary) (*Identity, error) {
	for _, one := range identities {
		if one.match(of) == nil {
			return one, nil
		}
	}
	return nil, fmt.Errorf("it is by %.200s (issuer %.200s), which is none of the trusted identities", of.SubjectAlternativeName, cmp.Or(of.Issuer, "none"))
}
