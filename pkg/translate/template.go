package translate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Template is a resource that waits for its salt: marshalled once, so that a
// fan-out to many Envoys costs one copy for each. It is immutable and safe for
// concurrent use.
type Template struct {
	data []byte // with some salt at [at, at+SaltLen)
	at   int
}

// NewTemplate prepares the bytes of [Marshal] for every salt.
func NewTemplate(r *snapshot.Revision, code Code, v Version) (*Template, error) {
	// The salt's place is where a stand-in is found; one that occurs anywhere
	// else (in the module, say) is of no use, so another is taken then.
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

// Bytes is what [Marshal] gives for this salt, in memory of its own. The salt
// is [SaltLen] lowercase hex digits; anything else panics, since it is made by
// the program and bytes with another would be no such resource.
func (t *Template) Bytes(salt string) []byte {
	if err := checkSalt(salt); err != nil {
		panic("translate: " + err.Error())
	}
	data := bytes.Clone(t.data)
	copy(data[t.at:], salt)
	return data
}

// Prefix and Suffix are the parts of [Template.Bytes] before and after the salt,
// for those who send parts. They are shared: do not change them.
func (t *Template) Prefix() []byte { return t.data[:t.at:t.at] }

// Suffix is the part after the salt, see [Template.Prefix].
func (t *Template) Suffix() []byte { return t.data[t.at+SaltLen:] }

// Len is the length of [Template.Bytes] in bytes, whatever the salt.
func (t *Template) Len() int { return len(t.data) }
