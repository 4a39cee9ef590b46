package signature

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	common "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/dsse"
	"github.com/sigstore/sigstore/pkg/signature/payload"
	"google.golang.org/protobuf/encoding/protojson"
)

// bundleType is the prefix of the media types of sigstore bundles.
const bundleType = "application/vnd.dev.sigstore.bundle"

const (
	inTotoType = "application/vnd.in-toto+json"
	// signType is the predicate type of a statement that signs an image. The same key may sign
	// other statements about an image, for example the result of a scan.
	signType = "https://sigstore.dev/cosign/sign/v1"
)

// subject is the content that a signature must sign.
type subject struct {
	digest  string   // sha256 in hex
	content *Content // nil: only statements that name the digest are accepted
}

// verifyBundle returns the key that signed a bundle. The error does not name the bundle.
func verifyBundle(text []byte, of subject, keys Keys) (*Key, error) {
	bundle := &protobundle.Bundle{}
	// Ignore fields of later versions: they do not matter to a signature by a key.
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, bundle); err != nil {
		return nil, errors.New("it is no sigstore bundle")
	}
	if !strings.HasPrefix(bundle.GetMediaType(), bundleType) {
		return nil, fmt.Errorf("it is a bundle of the unknown type %.100q", bundle.GetMediaType())
	}
	switch {
	case bundle.GetDsseEnvelope() != nil:
		return verifyStatement(bundle, of, keys)
	case bundle.GetMessageSignature() == nil:
		return nil, errors.New("it is a bundle without a signature")
	case of.content == nil:
		return nil, errors.New("it signs bytes, not an image")
	}
	message := bundle.GetMessageSignature()
	if said := message.GetMessageDigest(); said.GetAlgorithm() == common.HashAlgorithm_SHA2_256 && fmt.Sprintf("%x", said.GetDigest()) != of.digest {
		return nil, fmt.Errorf("it signs the sha256 %.64x, not %s", said.GetDigest(), of.digest)
	}
	return keys.verify(message.GetSignature(), *of.content)
}

// statement has the fields of an in-toto statement that matter here.
type statement struct {
	Type          string `json:"_type"`
	PredicateType string `json:"predicateType"`
	Subject       []struct {
		Digest map[string]string `json:"digest"`
	} `json:"subject"`
}

func verifyStatement(bundle *protobundle.Bundle, of subject, keys Keys) (*Key, error) {
	envelope, err := protojson.Marshal(bundle.GetDsseEnvelope())
	if err != nil {
		return nil, err
	}
	var signed []byte
	key, err := keys.first(func(v signature.Verifier) error {
		wrapped := dsse.WrapVerifier(v, dsse.WithExpectedPayloadType(inTotoType), dsse.WithDecodedPayload(&signed))
		return wrapped.VerifySignature(bytes.NewReader(envelope), nil)
	})
	if err != nil {
		return nil, err
	}
	// From here on the content comes from the owner of the key.
	var said statement
	if err := json.Unmarshal(signed, &said); err != nil || !strings.HasPrefix(said.Type, "https://in-toto.io/Statement/") {
		return nil, errors.New("what it signs is no statement")
	}
	if said.PredicateType != signType {
		return nil, fmt.Errorf("it is a statement of the type %.100q, which is no signature", said.PredicateType)
	}
	for _, one := range said.Subject {
		if one.Digest["sha256"] == of.digest {
			return key, nil
		}
	}
	return nil, fmt.Errorf("it signs another digest than sha256:%s", of.digest)
}

// verifySimple checks a payload in cosign's older format: the key must have signed the payload, and
// the payload must name the digest.
func verifySimple(text, raw []byte, digest string, keys Keys) (*Key, error) {
	key, err := keys.verify(raw, contentOf(text))
	if err != nil {
		return nil, err
	}
	var said payload.SimpleContainerImage
	if err := json.Unmarshal(text, &said); err != nil {
		return nil, errors.New("what it signs is no payload of cosign's")
	}
	if !slices.Contains([]string{payload.CosignSignatureType, "atomic container signature"}, said.Critical.Type) {
		return nil, fmt.Errorf("its payload is of the unknown type %.100q", said.Critical.Type)
	}
	if said.Critical.Image.DockerManifestDigest != "sha256:"+digest {
		return nil, fmt.Errorf("it signs another digest than sha256:%s", digest)
	}
	return key, nil
}
