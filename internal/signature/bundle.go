package signature

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	common "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/dsse"
	"google.golang.org/protobuf/encoding/protojson"
)

// bundleType is the prefix of the media types of sigstore bundles.
const bundleType = "application/vnd.dev.sigstore.bundle"

// readBundle reads the JSON of a bundle. The error does not name the bundle.
func readBundle(text []byte) (*protobundle.Bundle, error) {
	b := &protobundle.Bundle{}
	// Ignore fields of later versions: the signature covers none of them.
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, b); err != nil {
		return nil, errors.New("it is no sigstore bundle")
	}
	if !strings.HasPrefix(b.GetMediaType(), bundleType) {
		return nil, fmt.Errorf("it is a bundle of the unknown type %.100q", b.GetMediaType())
	}
	return b, nil
}

// verify verifies the content of a bundle of any media type. The result has no place.
func (p *Policy) verify(b *protobundle.Bundle, of subject) Found {
	found := Found{Kind: KindSignature}
	err := p.check(b, of, &found)
	if err != nil {
		found.Problem = err.Error()
	}
	return found
}

// check verifies a bundle. check sets the fields of found as soon as they are proved, and the kind
// and the type of an attestation before.
func (p *Policy) check(b *protobundle.Bundle, of subject, found *Found) error {
	said, err := statementOf(b)
	if err != nil {
		return err
	}
	if said == nil {
		if err := checkMessage(b, of); err != nil {
			return err
		}
		return p.bySigner(b, of, found)
	}
	if said.PredicateType != signType {
		found.Kind, found.PredicateType = KindAttestation, said.PredicateType
	}
	// An early end is safe before the verification, and has the better message.
	if !said.names(of.digest) {
		return fmt.Errorf("it is about another digest than sha256:%s", of.digest)
	}
	err = p.bySigner(b, of, found)
	if found.Key != "" || found.Subject != "" {
		found.Builder = said.builder()
	}
	return err
}

// bySigner verifies the signature of a key or an identity.
func (p *Policy) bySigner(b *protobundle.Bundle, of subject, found *Found) error {
	key, err := p.byKey(b, of)
	isKey := len(certificateOf(b)) == 0
	switch {
	case err == nil:
		found.Key, found.authority = key.File, key.Fingerprint
		return nil
	case isKey && len(p.Keys) > 0:
		return err
	case isKey && len(p.Identities) > 0:
		return errors.New("it is by a key, and only identities are trusted here")
	case isKey:
		return errors.New("it is by a key, and no key is trusted here")
	case p.Root != nil:
		return p.byIdentity(b, of, found)
	case len(p.Keys) > 0:
		return errors.New("it is by the owner of a certificate, and only keys are trusted here")
	default:
		return errors.New("it is by the owner of a certificate, and no trusted root proves it")
	}
}

func checkMessage(b *protobundle.Bundle, of subject) error {
	message := b.GetMessageSignature()
	switch {
	case message == nil:
		return errors.New("it is a bundle without a signature")
	case of.content == nil:
		return errors.New("it signs bytes, not an image")
	}
	if said := message.GetMessageDigest(); said.GetAlgorithm() == common.HashAlgorithm_SHA2_256 && fmt.Sprintf("%x", said.GetDigest()) != of.digest {
		return fmt.Errorf("it signs the sha256 %.64x, not %s", said.GetDigest(), of.digest)
	}
	return nil
}

// byKey returns the signing key.
func (p *Policy) byKey(b *protobundle.Bundle, of subject) (*Key, error) {
	if b.GetDsseEnvelope() == nil {
		return p.Keys.verify(b.GetMessageSignature().GetSignature(), *of.content)
	}
	envelope, err := protojson.Marshal(b.GetDsseEnvelope())
	if err != nil {
		return nil, err
	}
	return p.Keys.first(func(v signature.Verifier) error {
		return dsse.WrapVerifier(v, dsse.WithExpectedPayloadType(inTotoType)).VerifySignature(bytes.NewReader(envelope), nil)
	})
}

// certificateOf returns the certificate of the signer in DER, or nil if there is none.
func certificateOf(b *protobundle.Bundle) []byte {
	material := b.GetVerificationMaterial()
	if one := material.GetCertificate(); one != nil {
		return one.GetRawBytes()
	}
	if chain := material.GetX509CertificateChain().GetCertificates(); len(chain) > 0 {
		return chain[0].GetRawBytes()
	}
	return nil
}
