package signature

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// maxRoot is the size limit of a trusted root, in bytes. Sigstore's own has 7 kB.
const maxRoot = 1 << 20

// Root is an immutable trusted root of sigstore: the certificate authorities, transparency logs and
// timestamp authorities that prove identities. It is safe for concurrent use.
type Root struct {
	File        string // the path of the root's file
	Fingerprint string // 64 hex digits, derived from the content alone

	material *root.TrustedRoot
	verifier *verify.Verifier
}

// ReadRoot reads a trusted root, as `cosign trusted-root create` writes it. It fails with an
// *[Error].
func ReadRoot(ref *spec.FileRef) (*Root, error) {
	text, err := (*regular.Bounds)(ref.Bounds).Read(ref.Path, maxRoot)
	if err != nil {
		return nil, &Error{
			Code: CodeRoot, Message: fmt.Sprintf("the trusted root %s cannot be read: %s", ref.Path, reason.Of(err)),
			Hint: "name the file that cosign trusted-root create writes",
		}
	}
	parsed, err := ParseRoot(text)
	if err != nil {
		return nil, &Error{
			Code: CodeRoot, Message: fmt.Sprintf("the trusted root %s %v", ref.Path, err),
			Hint: "write it again with cosign trusted-root create; its flag --with-default-services fetches Sigstore's own",
		}
	}
	parsed.File = ref.Path
	return parsed, nil
}

// ParseRoot parses the JSON of a trusted root. The text of the error continues the root's name.
func ParseRoot(text []byte) (*Root, error) {
	material, err := root.NewTrustedRootFromJSON(text)
	if err != nil {
		return nil, fmt.Errorf("is no trusted root of sigstore: %s", brief(err))
	}
	verifier, err := newVerifier(material)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	return &Root{Fingerprint: hex.EncodeToString(sum[:]), material: material, verifier: verifier}, nil
}

// newVerifier returns a verifier that asks for everything that the root has the means to check. An
// entry of a transparency log is asked for if the root has logs. Without logs, a timestamp has to
// prove that the short-lived certificate was valid at the time of signing.
func newVerifier(material root.TrustedMaterial) (*verify.Verifier, error) {
	var options []verify.VerifierOption
	switch {
	case len(material.FulcioCertificateAuthorities()) == 0:
		return nil, errors.New("has no certificate authority")
	case len(material.RekorLogs()) > 0:
		options = append(options, verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1))
	case len(material.TimestampingAuthorities()) > 0:
		options = append(options, verify.WithSignedTimestamps(1))
	default:
		return nil, errors.New("has neither a transparency log nor a timestamp authority, one of which has to prove the time of signing")
	}
	if len(material.CTLogs()) > 0 {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	return verify.NewVerifier(material, append(options, verify.WithoutStatementPredicate())...)
}
