package signature

import (
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

// bundleType begins the media types of sigstore's bundles.
const bundleType = "application/vnd.dev.sigstore.bundle"

const (
	inTotoType = "application/vnd.in-toto+json"
	// signType is what a statement says that signs an image. The same key may sign
	// other statements about an image, what was found in it for instance.
	signType = "https://sigstore.dev/cosign/sign/v1"
)

// subject is what a signature has to be of.
type subject struct {
	digest  string   // sha256 in hex
	content *Content // nil: a statement has to name the digest
}

// verifyBundle returns the key that a bundle is signed with. The error does not
// say whose bundle it is.
func verifyBundle(text []byte, of subject, keys Keys) (*Key, error) {
	bundle := &protobundle.Bundle{}
	// What a later version adds means nothing to a signature by a key.
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

// statement is what of in-toto's is heeded.
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
		return wrapped.VerifySignature(bytesReader(envelope), nil)
	})
	if err != nil {
		return nil, err
	}
	// From here on it is the words of whoever has the key.
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

// verifySimple checks a payload as cosign's older format has it: it is signed, and
// it names the digest.
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
