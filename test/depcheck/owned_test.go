package depcheck

import (
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/test/depcheck/rooms"
)

// owned lists, for a package, the files that own the fields they declare: no other file writes
// them. A key with a colon names the files that own the fields together.
var owned = map[string][]string{
	"internal/delivery": {
		"replica followed peers belief calm conduct fetch filters idle load rare report reuse revisions salts step timers trials unknown window",
		"enrolment fleetgroups leader notebook noting orders reporter canary choose fetches progress removed rollouts sender answers specs subscriptions statuses machine config",
		"graph: subscriber group filter stream response",
		"draft: leader orders",
		"follower: followerwiring",
	},
}

// TestOwnedFields expects only the owners of a field to write it.
func TestOwnedFields(t *testing.T) {
	for _, p := range packages(t) {
		owners := map[string][]string{}
		for _, line := range owned[p.Path] {
			if file, others, together := strings.Cut(line, ":"); together {
				owners[file] = strings.Fields(others)
				continue
			}
			for _, file := range strings.Fields(line) {
				owners[file] = nil
			}
		}
		for file := range owners {
			if !slices.ContainsFunc(p.Files, func(f rooms.File) bool { return f.Name == file }) {
				t.Errorf("%s: %s.go, which owns its fields, does not exist", p.Path, file)
			}
		}
		for _, w := range p.Writes {
			if others, is := owners[w.Owner]; is && !slices.Contains(others, w.File) {
				t.Errorf("%s/%s.go:%d writes the field %s, which %s.go owns: give the owner a method",
					p.Path, w.File, w.Line, w.Field, w.Owner)
			}
		}
	}
}
