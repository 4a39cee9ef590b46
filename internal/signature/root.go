package signature

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// maxRoot is the size limit of a trusted root, in bytes. Sigstore's own has 7 kB.
const maxRoot = 1 << 20

// Root is an immutable trusted root of sigstore: the certificate authorities, transparency logs and
// timestamp authorities for identities. A Root is safe for concurrent use.
type Root struct {
	Fingerprint string // 64 hex digits, derived from the content

	material *root.TrustedRoot
	verifier *verify.Verifier
}

// Roots keeps trusted roots by their content, because thousands of specs may name the same root.
// The zero value is ready to use, and is safe for concurrent use.
type Roots struct {
	mu    sync.Mutex
	known map[string]*Root // by fingerprint
}

// maxRoots is the number of roots after which Roots starts again.
const maxRoots = 16

// ReadRoot reads a trusted root, as `cosign trusted-root create` writes it. ReadRoot fails with an
// *[Error].
func ReadRoot(ref *spec.FileRef) (*Root, error) { return (&Roots{}).read(ref) }

func (r *Roots) read(ref *spec.FileRef) (*Root, error) {
	text, err := (*regular.Bounds)(ref.Bounds).Read(ref.Path, maxRoot)
	if err != nil {
		return nil, &Error{
			Code: CodeRoot, Message: fmt.Sprintf("the trusted root %s cannot be read: %s", ref.Path, reason.Of(err)),
			Hint: "name the file that cosign trusted-root create writes",
		}
	}
	parsed, err := r.parse(text)
	if err != nil {
		return nil, &Error{
			Code: CodeRoot, Message: fmt.Sprintf("the trusted root %s %v", ref.Path, err),
			Hint: "write it again with cosign trusted-root create; its flag --with-default-services fetches Sigstore's own",
		}
	}
	return parsed, nil
}

// parse is [ParseRoot], unless the root is known.
func (r *Roots) parse(text []byte) (*Root, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := fingerprintOf(text)
	if known, ok := r.known[sum]; ok {
		return known, nil
	}
	parsed, err := ParseRoot(text)
	if err != nil {
		return nil, err
	}
	if r.known == nil || len(r.known) >= maxRoots {
		r.known = map[string]*Root{}
	}
	r.known[sum] = parsed
	return parsed, nil
}

func fingerprintOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
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
	return &Root{Fingerprint: fingerprintOf(text), material: material, verifier: verifier}, nil
}

// newVerifier returns a verifier. The verifier requires each kind of proof the root can check. A
// root with logs requires an entry of a transparency log. A root without logs requires a timestamp,
// which proves that the short-lived certificate was valid at the time of signing.
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
