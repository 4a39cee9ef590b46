// Package signature decides whether fetched content is signed by a trusted key or identity, and has
// all required attestations. The package verifies images in both formats of cosign, and files with
// a signature beside them. sigstore's libraries do all cryptography. A key is trusted because the
// configuration names its file. The owner of a short-lived certificate is trusted if the
// configuration names the subject and the issuer, and a trusted root in a file proves the
// certificate. The package sends no request to a log or a certificate authority.
//
// The files, bottom first: error.go, content.go and found.go have the errors, the signed bytes and
// the results; key.go, root.go and identity.go have the trusted keys and identities; policy.go has
// the requirements. statement.go, keyless.go, bundle.go and older.go verify a signature in each of
// its forms. image.go looks for the signatures of an image, and signature.go reads the signatures
// beside a file. checked.go remembers results.
package signature

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Detached is the content of a file with signatures or attestations beside the signed file.
type Detached struct {
	Name string // the file name, used in messages
	Text []byte
}

// ExamineDetached verifies all signatures and attestations of a file. digest is the content's
// sha256 in hex.
func (p *Policy) ExamineDetached(digest string, content Content, files []Detached) []Found {
	var all []Found
	for _, one := range split(files) {
		found := p.detached(one, digest, content)
		found.Place = one.Name
		if found.Problem != "" {
			found.Problem = one.Name + ": " + found.Problem
		}
		all = append(all, found)
	}
	return all
}

// VerifyDetached is [Policy.ExamineDetached] and [Policy.Judge]. Messages show the signed file as
// name.
func (p *Policy) VerifyDetached(name, digest string, content Content, files []Detached) ([]Found, error) {
	return p.Judge(name, SignFile(name), p.ExamineDetached(digest, content, files))
}

// SignFile is the hint with the command to sign a file.
func SignFile(name string) string {
	return "sign it with cosign sign-blob --key cosign.key --bundle " + name + ".sigstore.json " + name
}

// split returns a Detached for each line of the files of attestations.
func split(files []Detached) []Detached {
	var all []Detached
	for _, one := range files {
		if !strings.HasSuffix(one.Name, spec.AttestationSuffix) {
			all = append(all, one)
			continue
		}
		for i, line := range bytes.Split(one.Text, []byte("\n")) {
			if line = bytes.TrimSpace(line); len(line) > 0 && i < maxSignatures {
				all = append(all, Detached{Name: fmt.Sprintf("%s:%d", one.Name, i+1), Text: line})
			}
		}
	}
	return all
}

func (p *Policy) detached(one Detached, digest string, content Content) Found {
	b, err := readDetached(one.Text, digest)
	if err != nil {
		return Found{Kind: KindSignature, Problem: err.Error()}
	}
	return p.verify(b, subject{digest: digest, content: &content})
}

// readDetached reads a signature file: a bundle, cosign's older bundle, or a signature in base64.
func readDetached(text []byte, digest string) (*protobundle.Bundle, error) {
	text = bytes.TrimSpace(text)
	if bytes.HasPrefix(text, []byte("{")) {
		if older, ok := readOlderBlob(text); ok {
			return older.bundle(digest)
		}
		return readBundle(text)
	}
	raw, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return nil, errors.New("it is not base64")
	}
	sum, err := hex.DecodeString(digest)
	if err != nil {
		return nil, err
	}
	return proof{}.messageBundle(raw, sum)
}
