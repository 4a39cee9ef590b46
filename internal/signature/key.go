package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/options"

	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// maxKey is the size limit of a PEM file with a public key, in bytes.
const maxKey = 64 << 10

// Key is an immutable, trusted public key.
type Key struct {
	File        string // the path of the key's file
	Fingerprint string // 64 hex digits, derived from the key alone and not from the file
	// verifiers are the ways in which versions of cosign sign with this kind of key.
	verifiers []signature.Verifier
}

// Keys are alternatives: a signature by any key of them is enough.
type Keys []*Key

// Fingerprints returns the fingerprints of the keys, sorted.
func (k Keys) Fingerprints() []string {
	all := make([]string, len(k))
	for i, key := range k {
		all[i] = key.Fingerprint
	}
	slices.Sort(all)
	return all
}

// verify tries all algorithms of all keys.
func (k Keys) verify(raw []byte, content Content) (*Key, error) {
	return k.first(func(v signature.Verifier) error {
		return v.VerifySignature(bytes.NewReader(raw), content.reader())
	})
}

// first returns the first key for which check succeeds.
func (k Keys) first(check func(signature.Verifier) error) (*Key, error) {
	for _, key := range k {
		for _, verifier := range key.verifiers {
			if check(verifier) == nil {
				return key, nil
			}
		}
	}
	return nil, errOtherKey
}

// ReadKeys reads files with a public key each. ReadKeys fails with an *[Error].
func ReadKeys(files []*spec.FileRef) (Keys, error) {
	keys := make(Keys, 0, len(files))
	for _, ref := range files {
		text, err := (*regular.Bounds)(ref.Bounds).Read(ref.Path, maxKey)
		if err != nil {
			return nil, &Error{
				Code: CodeKey, Message: fmt.Sprintf("the key %s cannot be read: %s", ref.Path, reason.Of(err)),
				Hint: "name the file that cosign generate-key-pair calls cosign.pub",
			}
		}
		key, err := ParseKey(text)
		if err != nil {
			return nil, &Error{Code: CodeKey, Message: fmt.Sprintf("the key %s %v", ref.Path, err), Hint: "name a public key in PEM form, as in cosign.pub"}
		}
		key.File = ref.Path
		keys = append(keys, key)
	}
	return keys, nil
}

// ParseKey parses a public key in PEM form: ECDSA on a NIST curve, Ed25519, or RSA of at least 2048
// bits. The text of the error continues the key's name.
func ParseKey(pem []byte) (*Key, error) {
	if bytes.Contains(pem, []byte("PRIVATE KEY")) {
		return nil, errors.New("is a private key: it belongs to who signs, and to nobody else")
	}
	public, err := cryptoutils.UnmarshalPEMToPublicKey(pem)
	if err != nil {
		return nil, errors.New("is no public key in PEM form")
	}
	if weak(public) {
		return nil, errors.New("is not strong enough")
	}
	der, err := cryptoutils.MarshalPublicKeyToDER(public)
	if err != nil {
		return nil, fmt.Errorf("cannot be written: %w", err)
	}
	sum := sha256.Sum256(der)
	key := &Key{Fingerprint: hex.EncodeToString(sum[:])}
	for _, way := range waysOf(public) {
		verifier, err := signature.LoadVerifierWithOpts(public, way)
		if err != nil {
			return nil, fmt.Errorf("cannot be used: %w", err)
		}
		key.verifiers = append(key.verifiers, verifier)
	}
	return key, nil
}

// weak reports whether a key is too short to be safe.
func weak(public crypto.PublicKey) bool {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() < 2048
	case *ecdsa.PublicKey:
		return key.Curve.Params().BitSize < 256
	default:
		return false
	}
}

// waysOf returns the signature algorithms for a key: the defaults of cosign's current and older
// versions.
func waysOf(public crypto.PublicKey) []signature.LoadOption {
	sha256 := options.WithHash(crypto.SHA256)
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		switch bits := key.Curve.Params().BitSize; {
		case bits > 384:
			return []signature.LoadOption{options.WithHash(crypto.SHA512), sha256}
		case bits > 256:
			return []signature.LoadOption{options.WithHash(crypto.SHA384), sha256}
		}
	case ed25519.PublicKey:
		return []signature.LoadOption{sha256, options.WithED25519ph()}
	case *rsa.PublicKey:
	}
	return []signature.LoadOption{sha256}
}
