package track

import (
	"slices"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// An edit, at any place among the specs, costs a look into a single spec.
func TestFollowLooksIntoWhatHasChanged(t *testing.T) {
	const n = 1000
	first := directoryOf(n)
	added := edited(first, 0, "first")
	added.Specs = slices.Insert(added.Specs, n/2, scaledSpec(n, "first"))
	added.Specs[n/2].Name = "filter-00499-a"
	told := rebuilt(first, n/2, "seen again")
	told.Differs = &source.Difference{From: first.References, Paths: []string{first.Specs[n/2].Module.File.Path, "/elsewhere"}}
	both := told
	both.Specs = edited(first, n/2-1, "second").Specs
	for _, tt := range []struct {
		name        string
		set         source.Set
		digests     uint64
		kept, fresh int
	}{
		{"the same", edited(first, 0, "first"), 0, 0, 1}, // another spec with the same content
		{"the first", edited(first, 0, "second"), 0, 0, 1},
		{"one in the middle", edited(first, n/2, "second"), 0, 0, 1},
		{"the last", edited(first, n-1, "second"), 0, 0, 1},
		{"one more", added, 0, 0, 2},
		{"another module in the middle", rebuilt(first, n/2, "seen again"), 0, n, 1},
		{"another module, of which the source tells", told, 0, 1, 1},
		{"that, and an edit", both, 0, 1, 2},
		{"a tag that moves", first, 1, n, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			kept, made := 0, 0
			var l list
			seenIn := first.References
			follow := func(set *source.Set, digests uint64) {
				l.follow(set, digests, func(one *Spec) bool {
					kept++
					return one.inputs == inputsOf(one.spec, spec.Verify{}, set.References, "")
				},
					func(s *spec.Spec) *Spec {
						made++
						return &Spec{spec: s, inputs: inputsOf(s, spec.Verify{}, seenIn, "")}
					})
			}
			follow(&first, 0)
			if made != n || len(l.unfinished) != n {
				t.Fatalf("%d journeys were begun, %d are unfinished, of %d specs", made, len(l.unfinished), n)
			}
			for _, one := range l.all {
				one.phase, one.outcome.Filter = Ready, &snapshot.Filter{Name: one.spec.Name}
			}
			l.finish()
			kept, made, seenIn = 0, 0, tt.set.References
			follow(&tt.set, tt.digests)
			if want := tt.kept; kept != want && kept != want+1 { // the edited spec is asked twice
				t.Errorf("%d specs were asked, want %d", kept, want)
			}
			if made != tt.fresh || len(l.unfinished) != tt.fresh {
				t.Errorf("%d journeys were begun and %d are unfinished, want %d", made, len(l.unfinished), tt.fresh)
			}
			for i, one := range l.all {
				if one.spec != tt.set.Specs[i] || one.gone || (l.made[i] != nil) != one.plain() {
					t.Fatalf("%d: %+v", i, one)
				}
			}
		})
	}
}
