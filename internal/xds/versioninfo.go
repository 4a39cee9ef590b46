package xds

import (
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// SotW's version_info is all that a client brings to its next stream, perhaps to another process of
// this server: the accepted versions of all names. It travels in each response and each ACK, so
// there are three forms:
//
//   - a few names are listed as they are, `name=version,name=version`;
//   - more names are packed, see [subscribed.pack]: `~epoch.entries~epoch.entries`;
//   - a response followed at once by more responses, as when an Envoy boots, has `~` alone, and
//     only the last response has the list. A client that brings `~` gets every resource again.
//
// See docs/RATIONALE.md#why-does-sotw-have-a-long-and-a-short-version_info.
const (
	fewNames = 8
	packMark = "~"
)

// versionInfo is the version_info of a response to be sent now. A client gives back the
// version_info of the last accepted response, on its next stream too.
func (s *subscribed) versionInfo(r *response, known *packs) []byte {
	few := len(s.names) <= fewNames
	if r.more && !few {
		return []byte(packMark)
	}
	all := s.swap(r) == 1+len(r.others)
	defer s.swap(r)
	switch {
	case few:
		return s.list(r, all)
	case !all || slices.Contains(s.versions, held{}):
		return s.pack(r, all)
	}
	info := known.find(s)
	if info == nil {
		info = s.pack(r, all)
		known.keep(s, info)
	}
	return info
}

// entries calls take with the versions that are accepted once the response is. s has the versions
// of the response: all of them, or, if all is false, those of names still subscribed.
func (s *subscribed) entries(r *response, all bool, take func(name string, version held)) {
	for i, one := range s.names {
		if s.versions[i] != (held{}) {
			take(one.Value(), s.versions[i])
		}
	}
	if all {
		return
	}
	s.entryOfOther(&r.part, take)
	for i := range r.others {
		s.entryOfOther(&r.others[i], take)
	}
}

// entryOfOther calls take for a name that was unsubscribed meanwhile.
func (s *subscribed) entryOfOther(one *part, take func(name string, version held)) {
	if _, there := s.find(one.name); !there {
		take(one.name, one.held)
	}
}

func (s *subscribed) list(r *response, all bool) []byte {
	var info []byte
	s.entries(r, all, func(name string, version held) {
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
	markLength   = 3
	entryRoom    = markLength + revisionLength + 4 // seldom more
	variantShift = 2
)

func (s *subscribed) pack(r *response, all bool) []byte {
	type process struct {
		epoch   uint32
		entries []byte
	}
	room := (1 + len(r.others)) * entryRoom
	for _, version := range s.versions {
		if version != (held{}) {
			room += entryRoom
		}
	}
	room = min(room, len(s.names)*entryRoom)
	processes := make([]process, 0, 2) // most streams have seen one process
	s.entries(r, all, func(name string, version held) {
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

func appendEntry(b []byte, name string, h held) []byte {
	mark := markOf(name)
	revision, variant, _, counter := h.Parts()
	b = append(b, mark[:]...)
	b = append(b, revision[:]...)
	return binary.AppendUvarint(b, uint64(counter)<<variantShift|uint64(codeOf(variant)))
}

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

// markOf is the end of the name's hash, which is FNV-1a. The hash must never change.
func markOf(name string) (mark [markLength]byte) {
	hash := uint32(2166136261)
	for i := range len(name) {
		hash = (hash ^ uint32(name[i])) * 16777619
	}
	return [markLength]byte{byte(hash >> 16), byte(hash >> 8), byte(hash)}
}

// parseVersionInfo reads the result of versionInfo, for the given names. The version_info of
// another server has no result.
func parseVersionInfo(info string, names []string) map[string]string {
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

// revisionLength is the length of a revision in bytes.
const revisionLength = len(delivery.RevisionBytes{})

// held is a version the client has; the zero value is none.
type held = delivery.Packed

// variantCode is a variant in the packed form. The codes must never change.
type variantCode uint8

const (
	remoteCode variantCode = iota
	inlineCode
	fileCode
)

// variants are the variants by code.
var variants = [...]delivery.Variant{remoteCode: delivery.Remote, inlineCode: delivery.Inline, fileCode: delivery.File}

// hold is a version of this server, or none for any other text.
func hold(version string) held {
	v, _ := delivery.ParseVersion(version)
	return v.Pack()
}
