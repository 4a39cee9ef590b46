package delivery

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Variant says how a resource carries its code.
type Variant = snapshot.Variant

// The variants.
const (
	Remote = snapshot.Remote
	Inline = snapshot.Inline
	File   = snapshot.File
)

const (
	revisionLength = 12
	saltLength     = 16
)

// Version is a resource's version on the wire: `<revision>.<variant><salt>`. The
// resource's bytes are a pure function of it. The zero value is no version.
type Version struct {
	Revision string // 12 hex digits
	Variant  Variant
	Salt     string // 16 hex digits: the process's epoch and a counter
}

// String is the version as it travels.
func (v Version) String() string {
	if v == (Version{}) {
		return ""
	}
	return v.Revision + "." + string(v.Variant) + v.Salt
}

// ParseVersion reads what [Version.String] wrote.
func ParseVersion(s string) (Version, bool) {
	revision, rest, ok := strings.Cut(s, ".")
	if !ok || len(revision) != revisionLength || len(rest) != 1+saltLength || !isHex(revision) || !isHex(rest[1:]) {
		return Version{}, false
	}
	v := Version{Revision: revision, Variant: Variant(rest[0]), Salt: rest[1:]}
	return v, v.Variant.Valid()
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == ""
}

func salt(epoch, counter uint32) string {
	return fmt.Sprintf("%08x%08x", epoch, counter)
}

// packed is a version in a third of the memory: of the many subscribers, each has one.
// The zero value is no version.
type packed struct {
	kind     packedKind
	variant  Variant
	revision [revisionLength / 2]byte
	salt     [saltLength / 2]byte
}

type packedKind uint8

const (
	packedOurs    packedKind = iota + 1
	packedForeign            // some other server's: all that is known is that there is one
)

func pack(v Version) packed {
	if v == (Version{}) {
		return packed{}
	}
	p := packed{kind: packedOurs, variant: v.Variant}
	if !unhex(p.revision[:], v.Revision) || !unhex(p.salt[:], v.Salt) {
		return packed{kind: packedForeign, variant: v.Variant}
	}
	return p
}

// unpack is what was packed; of another server's version nothing but its variant.
func (p packed) unpack() Version {
	if p.kind != packedOurs {
		return Version{Variant: p.variant}
	}
	return Version{Revision: hex.EncodeToString(p.revision[:]), Variant: p.variant, Salt: hex.EncodeToString(p.salt[:])}
}

// isOf says whether the version is one of that revision.
func (p packed) isOf(revision string) bool {
	var other [revisionLength / 2]byte
	return p.kind == packedOurs && unhex(other[:], revision) && other == p.revision
}

// unhex fills b from text of just the right length.
func unhex(b []byte, text string) bool {
	if len(text) != 2*len(b) {
		return false
	}
	_, err := hex.Decode(b, []byte(text))
	return err == nil
}
