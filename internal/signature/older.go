package signature

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	common "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	rekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore/pkg/signature/payload"
)

// olderBundle is the media type of the bundles to which signatures in cosign's older formats are
// converted: there, a log's promise of inclusion is enough.
const olderBundle = bundleType + "+json;version=0.1"

// The annotations of cosign's older format, from cosign's package static.
const (
	certificateAnnotation = "dev.sigstore.cosign/certificate"
	logAnnotation         = "dev.sigstore.cosign/bundle"
	timestampAnnotation   = "dev.sigstore.cosign/rfc3161timestamp"
)

// proof has the fields beside a signature in cosign's older formats. All fields may be empty.
type proof struct {
	certificate string     // PEM
	log         *loggedSET // nil: not logged
	timestamp   []byte     // RFC 3161
}

// loggedSET is an entry of a transparency log with the log's promise of inclusion.
type loggedSET struct {
	SignedEntryTimestamp []byte
	Payload              struct {
		Body           string `json:"body"` // base64
		IntegratedTime int64  `json:"integratedTime"`
		LogIndex       int64  `json:"logIndex"`
		LogID          string `json:"logID"` // hex
	}
}

// proofOf reads the annotations of a layer.
func proofOf(annotations map[string]string) (proof, error) {
	p := proof{certificate: annotations[certificateAnnotation]}
	if text := annotations[logAnnotation]; text != "" {
		if json.Unmarshal([]byte(text), &p.log) != nil {
			return p, errors.New("its entry of the transparency log cannot be read")
		}
	}
	if text := annotations[timestampAnnotation]; text != "" {
		var said struct{ SignedRFC3161Timestamp []byte }
		if json.Unmarshal([]byte(text), &said) != nil {
			return p, errors.New("its timestamp cannot be read")
		}
		p.timestamp = said.SignedRFC3161Timestamp
	}
	return p, nil
}

// material returns the proof in the form of a bundle.
func (p proof) material() (*protobundle.VerificationMaterial, error) {
	m := &protobundle.VerificationMaterial{Content: &protobundle.VerificationMaterial_PublicKey{PublicKey: &common.PublicKeyIdentifier{}}}
	if p.certificate != "" {
		block, _ := pem.Decode([]byte(p.certificate))
		if block == nil {
			return nil, errors.New("its certificate is not PEM")
		}
		m.Content = &protobundle.VerificationMaterial_X509CertificateChain{X509CertificateChain: &common.X509CertificateChain{
			Certificates: []*common.X509Certificate{{RawBytes: block.Bytes}},
		}}
	}
	if p.timestamp != nil {
		m.TimestampVerificationData = &protobundle.TimestampVerificationData{
			Rfc3161Timestamps: []*common.RFC3161SignedTimestamp{{SignedTimestamp: p.timestamp}},
		}
	}
	if p.log == nil {
		return m, nil
	}
	body, err := base64.StdEncoding.DecodeString(p.log.Payload.Body)
	if err != nil {
		return nil, errors.New("its entry of the transparency log is not base64")
	}
	id, err := hex.DecodeString(p.log.Payload.LogID)
	if err != nil {
		return nil, errors.New("the id of its transparency log is not hexadecimal")
	}
	var kind struct{ Kind, APIVersion string }
	if err := json.Unmarshal(body, &kind); err != nil {
		return nil, errors.New("its entry of the transparency log is not JSON")
	}
	m.TlogEntries = []*rekor.TransparencyLogEntry{{
		LogIndex: p.log.Payload.LogIndex, LogId: &common.LogId{KeyId: id}, IntegratedTime: p.log.Payload.IntegratedTime,
		KindVersion:      &rekor.KindVersion{Kind: kind.Kind, Version: kind.APIVersion},
		InclusionPromise: &rekor.InclusionPromise{SignedEntryTimestamp: p.log.SignedEntryTimestamp}, CanonicalizedBody: body,
	}}
	return m, nil
}

// messageBundle returns a signature of bytes with a digest, as a bundle.
func (p proof) messageBundle(raw, sum []byte) (*protobundle.Bundle, error) {
	m, err := p.material()
	if err != nil {
		return nil, err
	}
	return &protobundle.Bundle{
		MediaType: olderBundle, VerificationMaterial: m,
		Content: &protobundle.Bundle_MessageSignature{MessageSignature: &common.MessageSignature{
			MessageDigest: &common.HashOutput{Algorithm: common.HashAlgorithm_SHA2_256, Digest: sum}, Signature: raw,
		}},
	}, nil
}

// verifySimple verifies a payload in cosign's older format: the payload must be signed, and must
// name the digest.
func (p *Policy) verifySimple(text, raw []byte, annotations map[string]string, digest string) Found {
	fail := func(err error) Found { return Found{Kind: KindSignature, Problem: err.Error()} }
	beside, err := proofOf(annotations)
	if err != nil {
		return fail(err)
	}
	sum := sha256.Sum256(text)
	b, err := beside.messageBundle(raw, sum[:])
	if err != nil {
		return fail(err)
	}
	content := contentOf(text)
	found := p.verify(b, subject{digest: hex.EncodeToString(sum[:]), content: &content})
	if found.Problem != "" {
		return found
	}
	if err := checkPayload(text, digest); err != nil {
		found.Problem = err.Error()
	}
	return found
}

// checkPayload returns nil if a payload of cosign's names the digest.
func checkPayload(text []byte, digest string) error {
	var said payload.SimpleContainerImage
	if err := json.Unmarshal(text, &said); err != nil {
		return errors.New("what it signs is no payload of cosign's")
	}
	if !slices.Contains([]string{payload.CosignSignatureType, "atomic container signature"}, said.Critical.Type) {
		return fmt.Errorf("its payload is of the unknown type %.100q", said.Critical.Type)
	}
	if said.Critical.Image.DockerManifestDigest != "sha256:"+digest {
		return fmt.Errorf("it signs another digest than sha256:%s", digest)
	}
	return nil
}

// verifyEnvelope verifies an attestation in cosign's older format: a DSSE envelope.
func (p *Policy) verifyEnvelope(text []byte, annotations map[string]string, digest string) Found {
	fail := func(err error) Found { return Found{Kind: KindAttestation, Problem: err.Error()} }
	var said struct {
		PayloadType string `json:"payloadType"`
		Payload     []byte `json:"payload"`
		Signatures  []struct {
			KeyID string `json:"keyid"`
			Sig   []byte `json:"sig"`
		} `json:"signatures"`
	}
	if json.Unmarshal(text, &said) != nil || len(said.Signatures) == 0 {
		return fail(errors.New("it is no signed envelope"))
	}
	beside, err := proofOf(annotations)
	if err != nil {
		return fail(err)
	}
	material, err := beside.material()
	if err != nil {
		return fail(err)
	}
	envelope := &protodsse.Envelope{PayloadType: said.PayloadType, Payload: said.Payload}
	for _, one := range said.Signatures {
		envelope.Signatures = append(envelope.Signatures, &protodsse.Signature{Keyid: one.KeyID, Sig: one.Sig})
	}
	return p.verify(&protobundle.Bundle{
		MediaType: olderBundle, VerificationMaterial: material, Content: &protobundle.Bundle_DsseEnvelope{DsseEnvelope: envelope},
	}, subject{digest: digest})
}

// olderBlob is the bundle of cosign sign-blob before version 3.
type olderBlob struct {
	Signature   []byte     `json:"base64Signature"`
	Certificate string     `json:"cert"` // base64 of PEM
	Log         *loggedSET `json:"rekorBundle"`
}

// readOlderBlob returns false if the text is something else.
func readOlderBlob(text []byte) (b olderBlob, ok bool) {
	err := json.Unmarshal(text, &b)
	return b, err == nil && len(b.Signature) > 0
}

// bundle returns the signature of content with a sha256 in hex.
func (b olderBlob) bundle(digest string) (*protobundle.Bundle, error) {
	sum, err := hex.DecodeString(digest)
	if err != nil {
		return nil, err
	}
	certificate := b.Certificate
	if !strings.HasPrefix(certificate, "-----BEGIN") {
		decoded, err := base64.StdEncoding.DecodeString(certificate)
		if err != nil {
			return nil, errors.New("its certificate is not base64")
		}
		certificate = string(decoded)
	}
	// A public key may stand in the place of the certificate.
	if !strings.Contains(certificate, "CERTIFICATE") {
		certificate = ""
	}
	return proof{certificate: certificate, log: b.Log}.messageBundle(b.Signature, sum)
}
