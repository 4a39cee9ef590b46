package subscription

import (
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// A SotW client brings the accepted versions of all names to its next stream, perhaps to another
// process of this server, and version_info is the only place for them. A version_info travels in
// each response and each ACK, so there are three forms:
//
//   - a few names are listed as they are, `name=version,name=version`;
//   - more names are packed, see [versions.pack]: `~epoch.entries~epoch.entries`;
//   - a response followed at once by more responses, as when an Envoy boots, has `~` alone, and
//     only the last response has the list. A client that brings `~` gets every resource again.
//
// See docs/RATIONALE.md#why-does-sotw-have-a-long-and-a-short-version_info.
const packMark = "~"

// Pushed is a resource of a response: its name, and its version.
type Pushed struct {
	Name    string
	Version delivery.Packed
}

// versions are the names and versions of a version_info.
type versions struct {
	names    names
	accepted []delivery.Packed // for each name; the zero value: none
	further  []Pushed          // of names that are not in names
}

// each calls take for each name that has a version.
func (v versions) each(take func(name string, version delivery.Packed)) {
	for i, one := range v.names {
		if v.accepted[i] != (delivery.Packed{}) {
			take(one.Value(), v.accepted[i])
		}
	}
	for _, one := range v.further {
		take(one.Name, one.Version)
	}
}

// list is the form for a few names.
func (v versions) list() []byte {
	var info []byte
	v.each(func(name string, version delivery.Packed) {
		if len(info) > 0 {
			info = append(info, ',')
		}
		info = append(info, url.QueryEscape(name)...) // the name itself, if no character needs an escape
		info = append(info, '=')
		info = append(info, version.Unpack().String()...)
	})
	return info
}

// An entry of the packed form is three bytes of the name's hash, the revision, and the salt's
// counter with the variant, as a varint. The salt's other half, the epoch of the process, comes
// before all its entries.
const (
	markLength     = 3
	revisionLength = len(delivery.RevisionBytes{})
	entryRoom      = markLength + revisionLength + 4 // seldom more
	variantShift   = 2
)

// pack is the form for more names.
func (v versions) pack() []byte {
	type process struct {
		epoch   uint32
		entries []byte
	}
	room := len(v.further) * entryRoom
	for _, version := range v.accepted {
		if version != (delivery.Packed{}) {
			room += entryRoom
		}
	}
	processes := make([]process, 0, 2) // most streams have seen one process
	v.each(func(name string, version delivery.Packed) {
		at := 0
		for at < len(processes) && processes[at].epoch != version.Epoch() {
			at++
		}
		if at == len(processes) {
			processes = append(processes, process{version.Epoch(), make([]byte, 0, room)})
		}
		processes[at].entries = appendEntry(processes[at].entries, name, version)
	})
	info := make([]byte, 0, base64.RawURLEncoding.EncodedLen(room))
	for _, p := range processes {
		info = append(info, packMark...)
		info = strconv.AppendUint(info, uint64(p.epoch), 16)
		info = append(info, '.')
		info = base64.RawURLEncoding.AppendEncode(info, p.entries)
	}
	return info
}

func appendEntry(b []byte, name string, version delivery.Packed) []byte {
	mark := markOf(name)
	revision, variant, _, counter := version.Parts()
	b = append(b, mark[:]...)
	b = append(b, revision[:]...)
	return binary.AppendUvarint(b, uint64(counter)<<variantShift|uint64(codeOf(variant)))
}

// markOf is the end of the name's hash, which is FNV-1a. The hash must never change.
func markOf(name string) (mark [markLength]byte) {
	hash := uint32(2166136261)
	for i := range len(name) {
		hash = (hash ^ uint32(name[i])) * 16777619
	}
	return [markLength]byte{byte(hash >> 16), byte(hash >> 8), byte(hash)}
}

// variantCode is a variant in the packed form. The codes must never change.
type variantCode uint8

const (
	remoteCode variantCode = iota
	inlineCode
	fileCode
)

// variants are the variants by code.
var variants = [...]delivery.Variant{remoteCode: delivery.Remote, inlineCode: delivery.Inline, fileCode: delivery.File}

func codeOf(variant delivery.Variant) variantCode {
	switch variant {
	case delivery.Remote:
		return remoteCode
	case delivery.Inline:
		return inlineCode
	default:
		return fileCode
	}
}

// ParseVersionInfo reads a client's version_info: the accepted versions by name. names are the
// names in the client's request. The version_info of another server has no result.
func ParseVersionInfo(info string, names []string) map[string]string {
	if strings.HasPrefix(info, packMark) && !strings.Contains(info, "=") {
		return unpack(info, names)
	}
	accepted := map[string]string{}
	for entry := range strings.SplitSeq(info, ",") {
		escaped, version, ok := strings.Cut(entry, "=")
		if !ok {
			continue
		}
		name, err := url.QueryUnescape(escaped)
		if err != nil || isWildcard(name) {
			continue
		}
		if _, ok := delivery.ParseVersion(version); ok {
			accepted[name] = version
		}
	}
	return accepted
}

func unpack(info string, names []string) map[string]string {
	marked := map[[markLength]byte]string{}
	for _, name := range names {
		mark := markOf(name)
		if other, taken := marked[mark]; taken && other != name {
			name = "" // the entry may mean either name: both are sent anew
		}
		marked[mark] = name
	}
	accepted := map[string]string{}
	for process := range strings.SplitSeq(info[len(packMark):], packMark) {
		epoch, packed, _ := strings.Cut(process, ".")
		number, err := strconv.ParseUint(epoch, 16, 32)
		if err != nil {
			continue
		}
		entries, err := base64.RawURLEncoding.DecodeString(packed)
		for err == nil && len(entries) > markLength+revisionLength {
			name := marked[[markLength]byte(entries)]
			revision := delivery.RevisionBytes(entries[markLength:])
			salt, n := binary.Uvarint(entries[markLength+revisionLength:])
			if n <= 0 {
				break
			}
			entries = entries[markLength+revisionLength+n:]
			variant, counter := variantCode(salt&(1<<variantShift-1)), uint32(salt>>variantShift)
			if !isWildcard(name) && variant <= fileCode {
				accepted[name] = delivery.PackParts(revision, variants[variant], uint32(number), counter).Unpack().String()
			}
		}
	}
	return accepted
}

// packedVersion is a version of this server, or none for any other text.
func packedVersion(version string) delivery.Packed {
	v, _ := delivery.ParseVersion(version)
	return v.Pack()
}

// Packs are the last few packed version_infos: many streams come to the same version_info. The zero
// value is empty. Safe for concurrent use.
type Packs struct{ recent recent[pack] }

// pack is a packed version_info. Immutable.
type pack struct {
	of   versions
	info []byte
}

// of returns the packed form of versions, from the kept ones if they have exactly the same. Each
// name has a version.
func (p *Packs) of(v versions) []byte {
	one := p.recent.first(func(one *pack) bool {
		return slices.Equal(one.of.accepted, v.accepted) && slices.Equal(one.of.names, v.names)
	})
	if one == nil {
		// The names of a list are never changed in place, but the stream changes the versions.
		one = &pack{of: versions{names: v.names, accepted: slices.Clone(v.accepted)}, info: v.pack()}
		p.recent.keep(one)
	}
	return one.info
}
