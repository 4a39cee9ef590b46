package translate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Template is a marshalled resource with a place for the salt, so a fan-out to many Envoys
// costs one copy for each. A Template is immutable and safe for concurrent use.
type Template struct {
	data []byte // with some salt at [at, at+SaltLen)
	at   int
}

// NewTemplate prepares the bytes of [Marshal] for every salt.
func NewTemplate(r *snapshot.Revision, code Code, v Version) (*Template, error) {
	// A placeholder marks the salt's place. If the placeholder also occurs elsewhere, in the module
	// for example, NewTemplate tries another placeholder.
	const attempts = 16
	for i := range attempts {
		seed := sha256.Sum256([]byte{byte(i)})
		salt := hex.EncodeToString(seed[:SaltLen/2])
		data, err := Marshal(r, code, salt, v)
		if err != nil {
			return nil, err
		}
		if bytes.Count(data, []byte(salt)) == 1 {
			return &Template{data: data, at: bytes.Index(data, []byte(salt))}, nil
		}
	}
	return nil, fmt.Errorf("filter %q: no place for a salt found", r.Filter)
}

// Bytes returns the result of [Marshal] for this salt, in memory of its own. The salt must be
// [SaltLen] lowercase hex digits. Bytes panics for any other salt: the program itself makes salts,
// and other bytes would be no valid resource.
func (t *Template) Bytes(salt string) []byte {
	if err := checkSalt(salt); err != nil {
		panic("translate: " + err.Error())
	}
	data := bytes.Clone(t.data)
	copy(data[t.at:], salt)
	return data
}

// Prefix returns the part of [Template.Bytes] before the salt, for callers that send parts. The
// bytes of Prefix and Suffix are shared: do not change them.
func (t *Template) Prefix() []byte { return t.data[:t.at:t.at] }

// Suffix is the part after the salt, see [Template.Prefix].
func (t *Template) Suffix() []byte { return t.data[t.at+SaltLen:] }

// Len returns the length of [Template.Bytes] in bytes, the same for every salt.
func (t *Template) Len() int { return len(t.data) }
