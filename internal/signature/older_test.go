package signature_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/internal/test/sigstoretest"
)

// proofOf returns the fields beside a signature in cosign's older formats.
func proofOf(t testing.TB, text []byte) (b *protobundle.Bundle, annotations map[string]string, certificate []byte, log map[string]any) {
	t.Helper()
	b = &protobundle.Bundle{}
	if err := protojson.Unmarshal(text, b); err != nil {
		t.Fatal(err)
	}
	annotations = map[string]string{}
	material := b.GetVerificationMaterial()
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: material.GetCertificate().GetRawBytes()})
	annotations["dev.sigstore.cosign/certificate"] = string(certificate)
	for _, entry := range material.GetTlogEntries() {
		log = map[string]any{"SignedEntryTimestamp": entry.GetInclusionPromise().GetSignedEntryTimestamp(), "Payload": map[string]any{
			"body": base64.StdEncoding.EncodeToString(entry.GetCanonicalizedBody()), "integratedTime": entry.GetIntegratedTime(),
			"logIndex": entry.GetLogIndex(), "logID": hex.EncodeToString(entry.GetLogId().GetKeyId()),
		}}
		annotations["dev.sigstore.cosign/bundle"] = string(marshal(t, log))
	}
	for _, stamp := range material.GetTimestampVerificationData().GetRfc3161Timestamps() {
		annotations["dev.sigstore.cosign/rfc3161timestamp"] = string(marshal(t, map[string]any{"SignedRFC3161Timestamp": stamp.GetSignedTimestamp()}))
	}
	return b, annotations, certificate, log
}

// olderSigned adds a signature in cosign's older format, of a payload with a digest.
func (r *repository) olderSigned(t testing.TB, s *sigstoretest.Sigstore, who sigstoretest.Who, of digest.Digest) {
	t.Helper()
	text := marshal(t, map[string]any{"critical": map[string]any{
		"identity": map[string]any{"docker-reference": "x"}, "image": map[string]any{"docker-manifest-digest": of.String()},
		"type": "cosign container image signature",
	}})
	b, annotations, _, _ := proofOf(t, s.SignBlob(t, who, text))
	annotations["dev.cosignproject.cosign/signature"] = base64.StdEncoding.EncodeToString(b.GetMessageSignature().GetSignature())
	r.tagLayer(t, ".sig", "application/vnd.dev.cosign.simplesigning.v1+json", text, annotations)
}

// olderAttested adds an attestation in cosign's older format.
func (r *repository) olderAttested(t testing.TB, s *sigstoretest.Sigstore, who sigstoretest.Who, of digest.Digest, predicate string) {
	t.Helper()
	b, annotations, _, _ := proofOf(t, s.Attest(t, who, statementOf(t, of, predicate)))
	envelope, err := protojson.Marshal(b.GetDsseEnvelope())
	if err != nil {
		t.Fatal(err)
	}
	annotations["dev.cosignproject.cosign/signature"] = ""
	r.tagLayer(t, ".att", "application/vnd.dsse.envelope.v1+json", envelope, annotations)
}

func (r *repository) tagLayer(t testing.TB, suffix, mediaType string, text []byte, annotations map[string]string) {
	t.Helper()
	layer := r.push(t, mediaType, text)
	layer.Annotations = annotations
	if err := r.Tag(t.Context(), r.manifest(t, layer), "sha256-"+r.image.Digest.Encoded()+suffix); err != nil {
		t.Fatal(err)
	}
}

func TestOlderFormat(t *testing.T) {
	s := sigstoretest.Start(t)
	root, noLog := s.WriteRoot(t, sigstoretest.Root{}), s.WriteRoot(t, sigstoretest.Root{NoLog: true})
	stamped := sigstoretest.Who{Subject: team.Subject, Issuer: team.Issuer, NoLog: true, Stamped: true}
	elsewhere := digest.FromString("another image")
	for _, tc := range []struct {
		name, code, says string // code "": it is trusted
		root             string
		prepare          func(r *repository)
	}{
		{"logged", "", "", root, func(r *repository) {
			r.olderSigned(t, s, team, r.image.Digest)
			r.olderAttested(t, s, team, r.image.Digest, provenance)
		}},
		{"stamped", "", "", noLog, func(r *repository) {
			r.olderSigned(t, s, stamped, r.image.Digest)
			r.olderAttested(t, s, stamped, r.image.Digest, provenance)
		}},
		{"by somebody else", signature.CodeInvalid, "it is by other@example.com", root, func(r *repository) { r.olderSigned(t, s, other, r.image.Digest) }},
		{"of another image", signature.CodeInvalid, "another digest", root, func(r *repository) { r.olderSigned(t, s, team, elsewhere) }},
		{"attestation of another image", signature.CodeAttestationInvalid, "another digest", root, func(r *repository) {
			r.olderSigned(t, s, team, r.image.Digest)
			r.olderAttested(t, s, team, elsewhere, provenance)
		}},
		{"without the log's entry", signature.CodeInvalid, "no transparency log", root, func(r *repository) { r.olderSigned(t, s, stamped, r.image.Digest) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRepository(t)
			tc.prepare(r)
			found, err := r.verifyBy(t, policyFor(t, tc.root, provenance))
			if tc.code != "" {
				wantCode(t, tc.code, tc.says, err)
				return
			}
			if err != nil || found[0].Subject != team.Subject || found[1].Builder == "" || found[0].Time.IsZero() {
				t.Errorf("%+v, %v", found, err)
			}
		})
	}
}

// Unreadable annotations spoil only their own signature.
func TestOlderFormatDamaged(t *testing.T) {
	s := sigstoretest.Start(t)
	p := policyFor(t, s.WriteRoot(t, sigstoretest.Root{}))
	good := newRepository(t)
	good.olderSigned(t, s, team, good.image.Digest)
	for says, annotations := range map[string]map[string]string{
		"its entry of the transparency log cannot be read":  {"dev.sigstore.cosign/bundle": "["},
		"its entry of the transparency log is not JSON":     {"dev.sigstore.cosign/bundle": `{"Payload": {"body": "AAAA"}}`},
		"its entry of the transparency log is not base64":   {"dev.sigstore.cosign/bundle": `{"Payload": {"body": "%"}}`},
		"the id of its transparency log is not hexadecimal": {"dev.sigstore.cosign/bundle": `{"Payload": {"logID": "x"}}`},
		"its timestamp cannot be read":                      {"dev.sigstore.cosign/rfc3161timestamp": "["},
		"its certificate is not PEM":                        {"dev.sigstore.cosign/certificate": "x"},
	} {
		annotations["dev.cosignproject.cosign/signature"] = "AAAA"
		r := newRepository(t)
		r.tagLayer(t, ".sig", "application/vnd.dev.cosign.simplesigning.v1+json", []byte("{}"), annotations)
		wantCode(t, signature.CodeInvalid, says, fail(r.verifyBy(t, p)))
	}
	r := newRepository(t)
	r.olderSigned(t, s, team, r.image.Digest)
	r.tagLayer(t, ".att", ocispec.MediaTypeImageLayer, []byte("{}"), nil)
	if _, err := r.verifyBy(t, p); err != nil {
		t.Error(err)
	}
}

// The bundle of cosign sign-blob before version 3, with a certificate or a key.
func TestOlderBlob(t *testing.T) {
	s, key := sigstoretest.Start(t), newSigner(t, "ECDSA")
	b, _, certificate, log := proofOf(t, s.SignBlob(t, team, module))
	older := func(fields map[string]any) signature.Detached {
		text, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		return signature.Detached{Name: "m.wasm.bundle", Text: text}
	}
	keyless := map[string]any{"base64Signature": b.GetMessageSignature().GetSignature(), "cert": certificate, "rekorBundle": log}
	found, err := verifyBy(policyFor(t, s.WriteRoot(t, sigstoretest.Root{})), older(keyless))
	if err != nil || found[0].Subject != team.Subject || found[0].Log != s.Rekor {
		t.Errorf("%+v, %v", found, err)
	}
	byKey := older(map[string]any{"base64Signature": key.sign(t, module), "cert": "", "rekorBundle": nil})
	if _, err := verify([]signature.Detached{byKey}, key.key); err != nil {
		t.Error(err)
	}
	wantCode(t, signature.CodeInvalid, "certificate", fail(verify([]signature.Detached{older(keyless)}, key.key)))
}
