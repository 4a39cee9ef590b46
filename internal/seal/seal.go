// Package seal encrypts small contents for files, with keys of a file that can be rotated.
//
// [Keys.Seal] and [Keys.Open] are pure but for the random nonce. file.go reads the keys.
//
// A sealed content is a line with the format and the id of its key, a nonce of 24 random bytes, and
// the text, encrypted and authenticated by XChaCha20-Poly1305 together with the line. Anything else
// is a plain content: both kinds live side by side until each file has been written anew.
package seal

import (
	"bytes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeySize is the size of a key, in bytes.
const KeySize = chacha20poly1305.KeySize

const (
	family = "wasm-xds-sealed/"
	format = family + "1 "
	idSize = 8 // bytes, as hexadecimal digits in the text
)

// ErrDamaged marks the error for a sealed content that has changed since it was sealed.
var ErrDamaged = errors.New("the sealed content is damaged")

// LockedError says no key is there for a sealed content.
type LockedError struct {
	ID string // of the key that the content needs; "": the format is unknown
	// Given are the ids of the keys that are there; none means no keys were given at all.
	Given []string
}

// Error names the keys.
func (e *LockedError) Error() string {
	switch {
	case e.ID == "":
		return "it is sealed in a format of a newer version"
	case len(e.Given) == 0:
		return "it is sealed with the key " + e.ID + ", and there is no key"
	default:
		return fmt.Sprintf("it is sealed with the key %s, and the keys are %v", e.ID, e.Given)
	}
}

// Keys seal and open contents. A nil *Keys seals nothing and opens only plain contents. Keys are
// immutable.
type Keys struct {
	first *key // nil: contents are written plain
	all   []*key
}

type key struct {
	id   string
	aead cipher.AEAD
	name []byte // the key of names
}

func newKey(secret []byte) (*key, error) {
	aead, err := chacha20poly1305.NewX(secret)
	if err != nil {
		return nil, err
	}
	// The id tells keys apart, and says nothing about the key: the hash has one input only.
	sum := sha256.Sum256(append([]byte("id of a key of wasm-xds\n"), secret...))
	name := hmac.New(sha256.New, secret)
	_, _ = name.Write([]byte("names of wasm-xds\n")) // never fails
	return &key{hex.EncodeToString(sum[:idSize]), aead, name.Sum(nil)}, nil
}

// IDs returns the ids of the keys, in their order.
func (k *Keys) IDs() []string {
	if k == nil {
		return nil
	}
	var ids []string
	for _, one := range k.all {
		ids = append(ids, one.id)
	}
	return ids
}

// First returns the id of the key that seals; "": contents are written plain.
func (k *Keys) First() string {
	if k == nil || k.first == nil {
		return ""
	}
	return k.first.id
}

// Seal returns the content as it is written. Without a key it is the content itself.
func (k *Keys) Seal(content []byte) []byte {
	if k.First() == "" {
		return content
	}
	header := []byte(format + k.first.id + "\n")
	size := len(header) + chacha20poly1305.NonceSizeX + len(content) + chacha20poly1305.Overhead
	out := append(make([]byte, 0, size), header...)
	nonce := out[len(header) : len(header)+chacha20poly1305.NonceSizeX]
	_, _ = rand.Read(nonce) // never fails
	return k.first.aead.Seal(out[:len(header)+len(nonce)], nonce, content, header)
}

// Open returns the content of a result of Seal, perhaps with another first key. The error is
// a [LockedError], or [ErrDamaged].
func (k *Keys) Open(sealed []byte) ([]byte, error) {
	id, rest, err := split(sealed)
	if err != nil || rest == nil {
		return sealed, err
	}
	if k != nil {
		for _, one := range k.all {
			if one.id != id {
				continue
			}
			if len(rest) < chacha20poly1305.NonceSizeX {
				return nil, ErrDamaged
			}
			nonce, text := rest[:chacha20poly1305.NonceSizeX], rest[chacha20poly1305.NonceSizeX:]
			content, err := one.aead.Open(nil, nonce, text, sealed[:len(sealed)-len(rest)])
			if err != nil {
				return nil, ErrDamaged
			}
			return content, nil
		}
	}
	return nil, &LockedError{ID: id, Given: k.IDs()}
}

// Of returns the same keys with the one first that has sealed a content. Of a plain content, the
// keys returned seal nothing. The error is a [LockedError].
func (k *Keys) Of(sealed []byte) (*Keys, error) {
	id, rest, err := split(sealed)
	switch {
	case err != nil:
		return nil, err
	case rest == nil && k == nil:
		return nil, nil
	case rest == nil:
		return &Keys{all: k.all}, nil
	case k != nil:
		for _, one := range k.all {
			if one.id == id {
				return &Keys{first: one, all: k.all}, nil
			}
		}
	}
	return nil, &LockedError{ID: id, Given: k.IDs()}
}

// Name returns a name for a content with this digest, in 32 bytes: always the same one for the same
// first key. Without the key, the name tells nothing about the content. Without a first key, Name
// returns nil.
func (k *Keys) Name(digest []byte) []byte {
	if k.First() == "" {
		return nil
	}
	name := hmac.New(sha256.New, k.first.name)
	_, _ = name.Write(digest) // never fails
	return name.Sum(nil)
}

// IsCurrent says whether Seal would write the content with the same key, or plain as it is.
func (k *Keys) IsCurrent(sealed []byte) bool {
	id, _, err := split(sealed)
	return err == nil && id == k.First()
}

// split returns the id of the key, and the part after the header; nil: the content is plain.
func split(sealed []byte) (id string, rest []byte, err error) {
	if !bytes.HasPrefix(sealed, []byte(family)) {
		return "", nil, nil
	}
	header, rest, found := bytes.Cut(sealed, []byte("\n"))
	id = string(bytes.TrimPrefix(header, []byte(format)))
	if _, err := hex.DecodeString(id); !found || err != nil || len(id) != 2*idSize {
		return "", nil, &LockedError{}
	}
	return id, rest, nil
}
