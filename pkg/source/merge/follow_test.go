package merge

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// TestFollowComesToTheSame compares follow with Sets for random sets, and checks Differs.
func TestFollowComesToTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	followed := 0
	for range 200 {
		parts := []Part{{Root: "/filters"}, {Root: "oci://r/b:prod"}, {Root: "oci://x/y:z"}}
		var last source.Set
		for range 20 {
			part := r.IntN(len(parts))
			before := parts[part].Set
			parts[part].Set = randomSet(r, parts[part].Root, before)
			now := follow(last, parts, part, before)
			want := Sets(parts)
			if d := now.Differs; d != nil && source.SameReferences(d.From, last.References) {
				followed++
				checkDifference(t, last, now)
			}
			plain := now
			plain.Differs = nil
			if diff := cmp.Diff(want, plain); diff != "" {
				t.Fatalf("(-anew +followed)\n%s", diff)
			}
			last = now
		}
	}
	if followed < 1000 {
		t.Errorf("%d sets said how they differ from the one before", followed)
	}
}

// randomSet returns a random next set of a source.
func randomSet(r *rand.Rand, root string, before *source.Set) *source.Set {
	if r.IntN(8) == 0 {
		return &source.Set{Unavailable: failing("", root)}
	}
	set := &source.Set{}
	for i := range 6 {
		name := fmt.Sprint("f", i)
		file := fmt.Sprintf("%s/%s.yaml", root, name)
		switch r.IntN(6) {
		case 0:
			set.Errors = append(set.Errors, failing(name, file))
		case 1, 2:
			set.Specs = append(set.Specs, &spec.Spec{Name: name, File: file, Line: 1})
		}
	}
	if r.IntN(4) == 0 {
		set.Errors = append(set.Errors, failing("f1", root+"/a.yaml"), failing("f1", root+"/b.yaml"), failing("", root+"/c.yaml"))
	}
	var from map[string]string
	if before != nil {
		from = before.References
	}
	if set.References = from; from != nil && r.IntN(4) == 0 {
		set.Differs = before.Differs
		return set
	}
	set.References = map[string]string{}
	for i := range 4 { // some names also belong to another source
		if r.IntN(2) == 0 {
			set.References[fmt.Sprint("/shared/", i)] = fmt.Sprint(r.IntN(2))
		}
	}
	if from != nil && r.IntN(2) == 0 {
		set.Differs = &source.Difference{From: from, Paths: []string{"/elsewhere"}}
		for i := range 4 {
			set.Differs.Paths = append(set.Differs.Paths, fmt.Sprint("/shared/", i))
		}
	}
	return set
}

func checkDifference(t *testing.T, before, now source.Set) {
	t.Helper()
	all := maps.Clone(before.References)
	maps.Copy(all, now.References)
	for path := range all {
		was, known := before.References[path]
		is, there := now.References[path]
		if (was != is || known != there) && !slices.Contains(now.Differs.Paths, path) {
			t.Errorf("%s was %q and is %q, and the set does not say so", path, was, is)
		}
	}
}

// many returns a directory of n specs with a module each, beside a bundle of a hundred specs. Each
// call of edit returns a new set with an edit of a spec and its module.
func many(n int) (parts []Part, edit func() *source.Set) {
	set := func(root string, n int) *source.Set {
		s := &source.Set{References: map[string]string{}}
		for i := range n {
			name := fmt.Sprintf("%s-%06d", root, i)
			s.Specs = append(s.Specs, &spec.Spec{Name: name, File: root + "/" + name + ".yaml", Line: 1})
			s.References[root+"/"+name+".wasm"] = "seen"
		}
		return s
	}
	now := set("dir", n)
	edits := 0
	return []Part{{"dir", now}, {"oci", set("oci", 100)}}, func() *source.Set {
		edits++
		next := &source.Set{Specs: slices.Clone(now.Specs), References: maps.Clone(now.References)}
		edited := *next.Specs[n/2]
		next.Specs[n/2] = &edited
		path := "dir/" + edited.Name + ".wasm"
		next.References[path] = fmt.Sprint("seen ", edits)
		next.Differs = &source.Difference{From: now.References, Paths: []string{path}}
		now = next
		return next
	}
}

// TestWhatAnEditAllocates checks whether an edit makes few allocations for any number of specs.
func TestWhatAnEditAllocates(t *testing.T) {
	parts, edit := many(10_000)
	last := Sets(parts)
	before := parts[0].Set
	next := edit()
	parts[0].Set = next
	if got := testing.AllocsPerRun(10, func() { follow(last, parts, 0, before) }); got > 200 {
		t.Errorf("%.0f allocations", got)
	}
	if now := follow(last, parts, 0, before); len(now.Differs.Paths) != 1 {
		t.Errorf("%d paths are said to differ", len(now.Differs.Paths))
	}
}

func BenchmarkTenThousand(b *testing.B) {
	parts, edit := many(10_000)
	b.Run("anew", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Sets(parts)
		}
	})
	b.Run("an edit", func(b *testing.B) {
		b.ReportAllocs()
		last := Sets(parts)
		before := parts[0].Set
		parts[0].Set = edit()
		for b.Loop() {
			follow(last, parts, 0, before)
		}
	})
}
