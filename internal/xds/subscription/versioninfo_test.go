package subscription

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

const salt1, salt2 = "0000000100000001", "0000000100000002"

// push is a response with one resource.
func push(name, version string) []Pushed { return []Pushed{{name, packedVersion(version)}} }

// many names of a SotW stream, all accepted: from two processes of the server, in each variant.
func many(n int) map[string]string {
	versions := map[string]string{}
	for i := range n {
		versions[fmt.Sprintf("filter-%03d", i)] = fmt.Sprintf("%012x.%c%08x%08x", i, "rif"[i%3], 1+i/100, 7*i)
	}
	return versions
}

// A client brings back the list that it was sent, in each form.
func TestVersionInfo(t *testing.T) {
	const newest = "ffffffffffff.iffffffffffffffff"
	for _, n := range []int{1, fewNames, fewNames + 1, 200} {
		versions := many(n)
		info := versionInfo(versions, "filter-000", newest, false)
		versions["filter-000"] = newest
		names := append(slices.Collect(maps.Keys(versions)), "another")
		if diff := cmp.Diff(versions, ParseVersionInfo(info, names)); diff != "" {
			t.Errorf("%d names: %s", n, diff)
		}
		// A name that is not subscribed any more is not reported.
		delete(versions, "filter-000")
		if got := ParseVersionInfo(info, slices.Collect(maps.Keys(versions))); n > fewNames && len(got) != n-1 {
			t.Errorf("%d of %d names are known without one", len(got), n)
		}
	}
}

// While more responses follow, only a short list is sent. A client without the list gets
// everything.
func TestVersionInfoWhileMoreFollow(t *testing.T) {
	info := versionInfo(many(200), "filter-007", "0123456789ab.i"+salt1, true)
	if info != "~" || len(ParseVersionInfo(info, []string{"filter-007"})) != 0 {
		t.Errorf("version_info %q", info)
	}
	if info := versionInfo(many(2), "filter-001", "0123456789ab.i"+salt1, true); !strings.Contains(info, "filter-000=") {
		t.Errorf("version_info %q", info)
	}
}

// The packed form outlives the server that sent it: these bytes must always read the same.
func TestVersionInfoOfBefore(t *testing.T) {
	names := []string{"auth", "b/x"}
	want := map[string]string{"auth": "0123456789ab.i0000000100000001", "b/x": "0123456789ab.rdeadbeef00000102"}
	for _, info := range []string{
		"auth=0123456789ab.i0000000100000001,b%2Fx=0123456789ab.rdeadbeef00000102",
		"~1.P6hPASNFZ4mrBQ~deadbeef.ZE7yASNFZ4mriAg",
	} {
		if diff := cmp.Diff(want, ParseVersionInfo(info, names)); diff != "" {
			t.Errorf("%s: %s", info, diff)
		}
	}
}

// Two names that look the same in the packed form are not taken for each other.
func TestNamesWithOneMark(t *testing.T) {
	seen := map[[markLength]byte]string{}
	for i := 0; ; i++ {
		name := fmt.Sprint(i)
		other := seen[markOf(name)]
		seen[markOf(name)] = name
		if other == "" {
			continue
		}
		versions := many(20)
		versions[name] = "0123456789ab.i" + salt1
		info := versionInfo(versions, "filter-000", versions["filter-000"], false)
		names := append(slices.Collect(maps.Keys(versions)), other)
		delete(versions, name)
		if diff := cmp.Diff(versions, ParseVersionInfo(info, names)); diff != "" {
			t.Error(diff)
		}
		return
	}
}

// A known list is used again for exactly the same names and versions only.
func TestKnownVersionInfo(t *testing.T) {
	var known Packs
	for range 2 {
		for _, version := range []string{"0123456789ab.i" + salt1, "0123456789ab.i" + salt2} {
			for _, n := range []int{20, 30} {
				one := listed(many(n))
				info := one.Propose(push("filter-007", version), false, &known)
				if want := versionInfo(many(n), "filter-007", version, false); string(info) != want {
					t.Fatalf("%d names, %s: %s, want %s", n, version, info, want)
				}
			}
		}
	}
}

func versionInfo(accepted map[string]string, name, version string, more bool) string {
	all := listed(accepted)
	return string(all.Propose(push(name, version), more, &Packs{}))
}

func FuzzVersionInfo(f *testing.F) {
	f.Add("a=0123456789ab.i0000000100000001,b%2Fx=0123456789ab.r0000000100000002", uint8(0))
	f.Add(versionInfo(many(10), "filter-003", "0123456789ab.i"+salt1, false), uint8(10))
	f.Fuzz(func(t *testing.T, info string, more uint8) {
		// The meaning of the packed form depends on the subscribed names.
		names := slices.Collect(maps.Keys(many(int(more))))
		known := ParseVersionInfo(info, names)
		names = append(names, slices.Collect(maps.Keys(known))...)
		for name, version := range known {
			if packedVersion(version) == (delivery.Packed{}) {
				return // all zero: none
			}
			again := ParseVersionInfo(versionInfo(known, name, version, false), names)
			if len(known) <= fewNames && !cmp.Equal(known, again) {
				t.Error(cmp.Diff(known, again))
			}
			for name, version := range again { // two names with one mark have no entry
				if known[name] != version {
					t.Errorf("%s is said to run %s, not %s", name, version, known[name])
				}
			}
		}
	})
}

// twoHundred names of a SotW stream, all accepted.
func twoHundred() *SotW {
	versions := map[string]string{}
	for i := range 200 {
		versions[fmt.Sprintf("filter-%03d", i)] = "0123456789ab.i" + salt1
	}
	return listed(versions)
}

// TestSizeOfVersionInfo: SotW lists all names, in few bytes and few pieces of memory. If another
// stream has the same list already, the list costs no memory.
func TestSizeOfVersionInfo(t *testing.T) {
	all, r := twoHundred(), push("filter-100", "0123456789ab.i"+salt2)
	const most = 3
	if n := testing.AllocsPerRun(100, func() { versions{names: all.list.all(), accepted: all.accepted}.pack() }); n > most {
		t.Errorf("%.0f allocations, at most %d", n, most)
	}
	var known Packs
	if n := testing.AllocsPerRun(100, func() { all.Propose(r, false, &known) }); n > 0 {
		t.Errorf("%.0f allocations for a list that is known", n)
	}
	if n := len(all.Propose(r, false, &known)); n > 16*len(all.accepted) {
		t.Errorf("%d bytes for %d names", n, len(all.accepted))
	}
}

// BenchmarkVersionInfo measures SotW's list of 200 names, for the first stream and for another one.
func BenchmarkVersionInfo(b *testing.B) {
	all, r := twoHundred(), push("filter-100", "0123456789ab.i"+salt2)
	for name, known := range map[string]func(*Packs) *Packs{
		"first":   func(*Packs) *Packs { return &Packs{} },
		"another": func(before *Packs) *Packs { return before },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			lists := &Packs{}
			for b.Loop() {
				lists = known(lists)
				all.Propose(r, false, lists)
			}
		})
	}
}
