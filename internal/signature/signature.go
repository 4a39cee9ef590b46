// Package signature decides whether what was fetched is signed with a key that is
// trusted: images in both formats of cosign, and files beside which a signature
// lies. All cryptography is sigstore's. Transparency logs and certificates play no
// part: a key is trusted because its file was named.
package signature

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/sigstore/sigstore/pkg/signature"
)

// The codes of this package's errors.
const (
	CodeMissing = "signature_missing" // nothing is signed
	CodeInvalid = "signature_invalid" // signed, but not with one of the keys, or something else
	CodeKey     = "signature_key"     // a key's file
)

// Error says what is wrong with a signature or a key. Other errors of this
// package are those of whoever fetches signatures.
type Error struct {
	Code    string
	Message string // one sentence, which begins with what it is about
	Hint    string // the next step
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// The bounds of what is read. What is beyond them is not looked at.
const (
	maxSignatures = 32      // of one image in one format
	maxManifest   = 1 << 20 // bytes
	maxBlob       = 1 << 20 // of one payload or bundle, in bytes
)

// MaxDetached is the size of the largest file with a signature that is read, in bytes.
const MaxDetached = maxBlob

// Content is what is signed. It may be read several times.
type Content struct {
	From io.ReaderAt
	Size int64 // bytes
}

func (c Content) reader() io.Reader { return io.NewSectionReader(c.From, 0, c.Size) }

// Detached is a file with a signature, as it lies beside what it signs.
type Detached struct {
	Name string // its own, which tells what is in it; for messages
	Text []byte
}

// VerifyDetached returns the key that one of the signatures is by. It fails with an
// *[Error] when none is: what names the signed file for its message. digest is the
// content's sha256 in hex.
func VerifyDetached(what, digest string, content Content, signatures []Detached, keys Keys) (*Key, error) {
	if len(signatures) == 0 {
		return nil, missing(what, "sign it with cosign sign-blob --key cosign.key --bundle "+what+".sigstore.json "+what)
	}
	var problems []error
	for _, one := range signatures {
		key, err := verifyDetached(one, digest, content, keys)
		if err == nil {
			return key, nil
		}
		problems = append(problems, fmt.Errorf("%s: %w", one.Name, err))
	}
	return nil, invalid(what, problems)
}

func verifyDetached(one Detached, digest string, content Content, keys Keys) (*Key, error) {
	if looksLikeJSON(one.Text) {
		return verifyBundle(one.Text, subject{digest: digest, content: &content}, keys)
	}
	raw, err := base64.StdEncoding.DecodeString(trimmed(one.Text))
	if err != nil {
		return nil, errors.New("it is not base64")
	}
	return keys.verify(raw, content)
}

func missing(what, hint string) *Error {
	return &Error{Code: CodeMissing, Message: what + " is not signed, and has to be", Hint: hint}
}

func invalid(what string, problems []error) *Error {
	const shown = 3
	message := fmt.Sprintf("%s has no valid signature", what)
	for i, problem := range problems {
		if i == shown {
			message += fmt.Sprintf("; and %d more", len(problems)-shown)
			break
		}
		message += "; " + problem.Error()
	}
	return &Error{Code: CodeInvalid, Message: message, Hint: "sign it again with a key that is trusted here, or name the key that it is signed with"}
}

// errOtherKey is a signature that no key fits: it is by another key, or of other bytes.
var errOtherKey = errors.New("it is by another key, or of other bytes")

// verify tries each way to sign with each key.
func (k Keys) verify(raw []byte, content Content) (*Key, error) {
	return k.first(func(v signature.Verifier) error {
		return v.VerifySignature(bytesReader(raw), content.reader())
	})
}

// first is the first key with which check goes well.
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
