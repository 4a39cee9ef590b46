// Package signature decides whether fetched content is signed with a trusted key. It verifies
// images in both formats of cosign, and files with a detached signature. sigstore's libraries do
// all cryptography. Transparency logs and certificates are not used: a key is trusted because the
// configuration names its file.
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
	CodeMissing = "signature_missing" // there is no signature
	CodeInvalid = "signature_invalid" // no signature by any of the keys for this content
	CodeKey     = "signature_key"     // the file of a key is unusable
)

// Error is the fault of a signature or a key. Any other error of this package comes from
// the fetching of signatures.
type Error struct {
	Code    string
	Message string // one sentence that begins with its subject
	Hint    string // the next step
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// The limits of reading. Content beyond a limit is ignored.
const (
	maxSignatures = 32      // of one image in one format
	maxManifest   = 1 << 20 // bytes
	maxBlob       = 1 << 20 // of one payload or bundle, in bytes
)

// MaxDetached is the size limit of a signature file, in bytes.
const MaxDetached = maxBlob

// Content is the signed content. It may be read several times.
type Content struct {
	From io.ReaderAt
	Size int64 // bytes
}

func (c Content) reader() io.Reader { return io.NewSectionReader(c.From, 0, c.Size) }

// Detached is a detached signature: the content of a signature file.
type Detached struct {
	Name string // the file name, used in messages
	Text []byte
}

// VerifyDetached returns the key of the first valid signature. It fails with an *[Error] if no
// signature is valid. Messages call the signed file what. digest is the content's sha256 in hex.
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

// errOtherKey says that no key fits: the signature is by another key, or of other bytes.
var errOtherKey = errors.New("it is by another key, or of other bytes")

// verify tries all algorithms of all keys.
func (k Keys) verify(raw []byte, content Content) (*Key, error) {
	return k.first(func(v signature.Verifier) error {
		return v.VerifySignature(bytesReader(raw), content.reader())
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
