package delivery

import (
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Variant is the way in which a resource carries its code.
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

// Version is a resource's version on the wire: `<revision>.<variant><salt>`. The resource's bytes
// are a pure function of the version. The zero value is no version.
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

// ParseVersion reads the result of [Version.String].
func ParseVersion(s string) (Version, bool) {
	revision, rest, ok := strings.Cut(s, ".")
	if !ok || len(rest) != 1+saltLength ||
		!snapshot.IsHex(revision, revisionLength) || !snapshot.IsHex(rest[1:], saltLength) {
		return Version{}, false
	}
	v := Version{Revision: revision, Variant: Variant(rest[0]), Salt: rest[1:]}
	return v, v.Variant.Valid()
}

func salt(epoch, counter uint32) string {
	return fmt.Sprintf("%08x%08x", epoch, counter)
}
