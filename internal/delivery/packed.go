package delivery

import (
	"encoding/binary"
	"encoding/hex"
)

// Packed is a [Version] in a third of the memory, for the many subscribers of a server. The zero
// value is no version. Two equal values are the same version.
type Packed struct {
	kind     packedKind
	variant  Variant
	revision RevisionBytes
	salt     [saltLength / 2]byte
}

// RevisionBytes are the bytes of a revision's hex digits.
type RevisionBytes [revisionLength / 2]byte

type packedKind uint8

const (
	packedOurs    packedKind = iota + 1
	packedForeign            // another server's version, of which the bytes are not known
)

// Pack packs a version. Of a version in a foreign form, Pack keeps only the variant.
func (v Version) Pack() Packed {
	if v == (Version{}) {
		return Packed{}
	}
	p := Packed{kind: packedOurs, variant: v.Variant}
	if !unhex(p.revision[:], v.Revision) || !unhex(p.salt[:], v.Salt) {
		return Packed{kind: packedForeign, variant: v.Variant}
	}
	return p
}

// PackParts packs a version of this server from the results of [Packed.Parts].
func PackParts(revision RevisionBytes, variant Variant, epoch, counter uint32) Packed {
	p := Packed{kind: packedOurs, variant: variant, revision: revision}
	binary.BigEndian.PutUint32(p.salt[:4], epoch)
	binary.BigEndian.PutUint32(p.salt[4:], counter)
	return p
}

// Unpack returns the packed version. Of another server's version only the variant is known.
func (p Packed) Unpack() Version {
	if p.kind != packedOurs {
		return Version{Variant: p.variant}
	}
	return Version{Revision: hex.EncodeToString(p.revision[:]), Variant: p.variant, Salt: hex.EncodeToString(p.salt[:])}
}

// Parts are the version's revision, the variant and the two halves of the salt: the epoch of the
// process that made the salt, and a counter.
func (p Packed) Parts() (revision RevisionBytes, variant Variant, epoch, counter uint32) {
	return p.revision, p.variant, binary.BigEndian.Uint32(p.salt[:4]), binary.BigEndian.Uint32(p.salt[4:])
}

// Epoch is the first half of the version's salt.
func (p Packed) Epoch() uint32 { return binary.BigEndian.Uint32(p.salt[:4]) }

// isOf says whether the version is a version of that revision.
func (p Packed) isOf(revision string) bool {
	var other RevisionBytes
	return p.kind == packedOurs && unhex(other[:], revision) && other == p.revision
}

// unhex fills b from text of exactly the right length.
func unhex(b []byte, text string) bool {
	if len(text) != 2*len(b) {
		return false
	}
	_, err := hex.Decode(b, []byte(text))
	return err == nil
}
