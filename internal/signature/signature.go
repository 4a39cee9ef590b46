// Package signature decides whether fetched content is signed with a trusted key. It verifies
// images in both formats of cosign, and files with a detached signature. sigstore's libraries do
// all cryptography. Transparency logs and certificates are not used: a key is trusted because the
// configuration names its file.
//
// The files, bottom first: error.go and content.go have the errors and the signed bytes, key.go the
// trusted keys, bundle.go the two formats of a signature. image.go looks for the signatures of an
// image, and this file verifies detached signatures. checked.go remembers digests that were
// verified. [Keys] are immutable; [Checked] is safe for concurrent use.
package signature

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
)

// Detached is a detached signature: the content of a signature file.
type Detached struct {
	Name string // the file name, used in messages
	Text []byte
}

// VerifyDetached returns the key of the first valid signature. It fails with an *[Error] if no
// signature is valid. Messages show the signed file as name. digest is the content's sha256 in hex.
func VerifyDetached(name, digest string, content Content, signatures []Detached, keys Keys) (*Key, error) {
	if len(signatures) == 0 {
		return nil, missing(name, "sign it with cosign sign-blob --key cosign.key --bundle "+name+".sigstore.json "+name)
	}
	var problems []error
	for _, one := range signatures {
		key, err := verifyDetached(one, digest, content, keys)
		if err == nil {
			return key, nil
		}
		problems = append(problems, fmt.Errorf("%s: %w", one.Name, err))
	}
	return nil, invalid(name, problems)
}

func verifyDetached(one Detached, digest string, content Content, keys Keys) (*Key, error) {
	if bytes.HasPrefix(bytes.TrimSpace(one.Text), []byte("{")) {
		return verifyBundle(one.Text, subject{digest: digest, content: &content}, keys)
	}
	raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(one.Text)))
	if err != nil {
		return nil, errors.New("it is not base64")
	}
	return keys.verify(raw, content)
}
