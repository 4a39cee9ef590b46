package snapshot

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// sum is the sum of the filters' digests, word by word. The order of the filters does not matter,
// and an added or removed filter needs only its own digest. The sum resists accidental collisions,
// but not deliberate ones. The same holds for a version of 12 digits.
// See docs/RATIONALE.md#why-is-a-snapshots-version-made-from-a-sum-of-hashes.
type sum [sha256.Size / 8]uint64

func (s *sum) add(f *Filter) {
	digest := f.digest()
	for i := range s {
		s[i] += binary.BigEndian.Uint64(digest[8*i:])
	}
}

func (s *sum) take(f *Filter) {
	digest := f.digest()
	for i := range s {
		s[i] -= binary.BigEndian.Uint64(digest[8*i:])
	}
}

func (s *sum) version() string {
	words := make([]byte, 0, sha256.Size)
	for _, word := range s {
		words = binary.BigEndian.AppendUint64(words, word)
	}
	version := sha256.Sum256(words)
	return hex.EncodeToString(version[:6])
}
