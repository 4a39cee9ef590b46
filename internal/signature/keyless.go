package signature

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// byIdentity verifies a signature by any of the identities, with the trusted root alone and without
// any request. The signer, the time and the log are added to found as soon as they are proved.
func (p *Policy) byIdentity(b *protobundle.Bundle, of subject, found *Found) error {
	entity, err := bundle.NewBundle(b)
	if err != nil {
		return fmt.Errorf("it is no complete bundle: %s", brief(err))
	}
	digest, err := hex.DecodeString(of.digest)
	if err != nil {
		return err
	}
	artifact := verify.WithArtifactDigest("sha256", digest)
	if b.GetDsseEnvelope() == nil {
		artifact = verify.WithArtifact(of.content.reader())
	}
	// The comparison of identities comes below, so an error names the signer.
	result, err := p.Root.verifier.Verify(entity, verify.NewPolicy(artifact, verify.WithoutIdentitiesUnsafe()))
	if err != nil {
		return errors.New(cause(err))
	}
	if result.Signature == nil || result.Signature.Certificate == nil {
		return errors.New("it has no certificate")
	}
	signer := *result.Signature.Certificate
	found.Subject, found.Issuer = signer.SubjectAlternativeName, signer.Issuer
	for _, at := range result.VerifiedTimestamps {
		if found.Time.IsZero() || at.Timestamp.Before(found.Time) {
			found.Time, found.TimeBy = at.Timestamp.UTC(), at.URI
		}
	}
	p.Root.note(entity, found)
	identity, err := matchAny(p.Identities, signer)
	if err != nil {
		return err
	}
	found.authority = identity.fingerprint(p.Root)
	return nil
}

// note adds the transparency log of a verified bundle.
func (r *Root) note(entity *bundle.Bundle, found *Found) {
	entries, err := entity.TlogEntries()
	if err != nil {
		return
	}
	for _, entry := range entries {
		if log, ok := r.material.RekorLogs()[hex.EncodeToString([]byte(entry.LogKeyID()))]; ok {
			found.Log, found.LogIndex = log.BaseURL, entry.LogIndex()
			return
		}
	}
}

// cause words an error of sigstore's library for users of cosign.
func cause(err error) string {
	words := brief(err)
	for _, one := range []struct{ sign, says string }{
		{"failed to verify log inclusion", "no transparency log of the trusted root proves it"},
		{"failed to verify timestamps", "no log and no timestamp authority of the trusted root proves its time"},
		{"failed to verify leaf certificate", "no certificate authority of the trusted root issued its certificate, or none was valid when it was signed"},
		{"failed to verify signed certificate timestamp", "no certificate log of the trusted root has its certificate"},
		{"failed to verify signature", "it does not sign these bytes"},
	} {
		if strings.HasPrefix(words, one.sign) {
			return one.says + " (" + strings.TrimPrefix(strings.TrimPrefix(words, one.sign), ": ") + ")"
		}
	}
	return words
}
