package merge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// setOf returns a set with a spec per name, each in a file of its own below root.
func setOf(root string, names ...string) *source.Set {
	set := &source.Set{References: map[string]string{root + "/x": "1"}}
	for _, n := range names {
		set.Specs = append(set.Specs, &spec.Spec{Name: n, File: root + "/" + n + ".yaml", Line: 1})
	}
	return set
}

func with(set *source.Set, change func(*source.Set)) *source.Set {
	change(set)
	return set
}

func failing(name, file string) *spec.Error {
	return &spec.Error{Code: "bad_yaml", Message: "bad", Name: name, Pos: spec.Position{File: file, Line: 2}}
}

func TestSets(t *testing.T) {
	const dir, oci = "/filters", "oci://r/b:prod"
	gone := func(root string) *source.Set {
		return &source.Set{Unavailable: &spec.Error{Code: "gone", Message: "gone", Pos: spec.Position{File: root + "?"}}}
	}
	for name, test := range map[string]struct {
		parts []Part
		want  []string
	}{
		"side by side": {
			[]Part{{dir, setOf(dir, "b", "d")}, {oci, setOf(oci, "a", "c")}},
			[]string{"spec a", "spec b", "spec c", "spec d", "reference /filters/x", "reference oci://r/b:prod/x"},
		},
		"a name in both": {
			[]Part{{dir, setOf(dir, "a", "b")}, {oci, setOf(oci, "b", "c")}},
			[]string{
				"spec a", "spec c", "reference /filters/x", "reference oci://r/b:prod/x",
				`error duplicate_name b oci://r/b:prod/b.yaml:1: the name "b" is taken already, at /filters/b.yaml:1`,
			},
		},
		"a name in three": {
			[]Part{{dir, setOf(dir, "b")}, {oci, setOf(oci, "b")}, {"oci://x/y:z", setOf("oci://x/y:z", "b")}},
			[]string{
				"reference /filters/x", "reference oci://r/b:prod/x", "reference oci://x/y:z/x",
				`error duplicate_name b oci://r/b:prod/b.yaml:1: the name "b" is taken already, at /filters/b.yaml:1`,
				`error duplicate_name b oci://x/y:z/b.yaml:1: the name "b" is taken already, at /filters/b.yaml:1`,
			},
		},
		"a name in one, and broken in the other": {
			[]Part{{dir, with(setOf(dir), func(s *source.Set) { s.Errors = []*spec.Error{failing("b", "/filters/x.yaml")} })}, {oci, setOf(oci, "b")}},
			[]string{
				"reference /filters/x", "reference oci://r/b:prod/x",
				"error bad_yaml b /filters/x.yaml:2: bad",
				`error duplicate_name b oci://r/b:prod/b.yaml:1: the name "b" is taken already, at /filters/x.yaml:2`,
			},
		},
		"an error of a spec that is there is no claim": {
			[]Part{{dir, setOf(dir, "a")}, {oci, with(setOf(oci, "b"), func(s *source.Set) {
				s.Errors, s.Degraded = []*spec.Error{failing("b", "oci://r/b@1/b.yaml")}, &spec.Error{Code: "refused"}
			})}},
			[]string{
				"spec a", "spec b", "reference /filters/x", "reference oci://r/b:prod/x",
				"error bad_yaml b oci://r/b@1/b.yaml:2: bad", "degraded refused",
			},
		},
		"one cannot be read": {
			[]Part{{dir, setOf(dir, "a")}, {oci, gone(oci)}},
			[]string{"spec a", "reference /filters/x", "broken oci://r/b:prod", "error gone  oci://r/b:prod: gone", "degraded gone"},
		},
		"one has said nothing yet": {
			[]Part{{dir, nil}, {oci, setOf(oci, "a")}},
			[]string{"spec a", "reference oci://r/b:prod/x", "broken /filters", "error source_not_read  /filters: /filters is still being read for the first time", "degraded source_not_read"},
		},
		"none can be read": {[]Part{{dir, gone(dir)}, {oci, gone(oci)}}, []string{"unavailable gone"}},
		"broken files stay": {
			[]Part{{dir, with(setOf(dir), func(s *source.Set) { s.BrokenFiles = []string{"/filters/z.yaml"} })}, {oci, setOf(oci)}},
			[]string{"reference /filters/x", "reference oci://r/b:prod/x", "broken /filters/z.yaml"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, describe(Sets(test.parts))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func describe(set source.Set) []string {
	if set.Unavailable != nil {
		return []string{"unavailable " + set.Unavailable.Code}
	}
	var lines []string
	for _, s := range set.Specs {
		lines = append(lines, "spec "+s.Name)
	}
	for _, root := range []string{"/filters", "oci://r/b:prod", "oci://x/y:z"} {
		if _, ok := set.References[root+"/x"]; ok {
			lines = append(lines, "reference "+root+"/x")
		}
	}
	for _, b := range set.BrokenFiles {
		lines = append(lines, "broken "+b)
	}
	for _, e := range set.Errors {
		lines = append(lines, fmt.Sprintf("error %s %s %s: %s", e.Code, e.Name, e.Pos, e.Message))
	}
	if set.Degraded != nil {
		lines = append(lines, "degraded "+set.Degraded.Code)
	}
	return lines
}

// scripted emits the sets that it receives.
type scripted chan source.Set

func (s scripted) Run(ctx context.Context, emit func(source.Set)) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case set := <-s:
			emit(set)
		}
	}
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := make(scripted), make(scripted)
		got := make(chan string, 10)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- New(Named{"/a", one}, Named{"/b", two}).Run(ctx, func(s source.Set) { got <- strings.Join(describe(s), ", ") })
		}()
		wait := func(want string) {
			t.Helper()
			synctest.Wait()
			select {
			case text := <-got:
				if text != want {
					t.Errorf("got %q, want %q", text, want)
				}
			default:
				if want != "" {
					t.Errorf("got nothing, want %q", want)
				}
			}
		}
		one <- *setOf("/a", "a")
		wait("") // the source two has not emitted a set
		time.Sleep(firstWait)
		wait("spec a, broken /b, error source_not_read  /b: /b is still being read for the first time, degraded source_not_read")
		two <- *setOf("/b", "b")
		wait("spec a, spec b")
		one <- *setOf("/a")
		wait("spec b")
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestASourceThatEndsTakesNoOtherWithIt checks whether the other sources continue, and that the
// ended source starts again.
func TestASourceThatEndsTakesNoOtherWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := make(scripted), make(endingOnce)
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan source.Set, 10)
		ended := make(chan error)
		go func() {
			ended <- New(Named{"/a", one}, Named{"/b", two}).Run(ctx, func(s source.Set) { got <- s })
		}()
		two <- nil // the source ends before its first set
		one <- *setOf("/a", "a")
		first := <-got
		if text := strings.Join(describe(first), ", "); !strings.HasPrefix(text, "spec a, broken /b, error source_failed") {
			t.Errorf("while one is down: %s", text)
		}
		if p := first.Parts; len(p) != 2 || p[0].Unavailable != nil || p[0].Specs != 1 || p[1].Unavailable == nil {
			t.Errorf("the parts are %+v", p)
		}
		one <- *setOf("/a", "a", "c")
		if text := strings.Join(describe(<-got), ", "); !strings.HasPrefix(text, "spec a, spec c, broken /b") {
			t.Errorf("the other one says on: %s", text)
		}
		two <- setOf("/b", "b") // the second run
		if text := strings.Join(describe(<-got), ", "); text != "spec a, spec b, spec c" {
			t.Errorf("when both run: %s", text)
		}
		cancel()
		<-ended
	})
}

// endingOnce emits the sets that it receives, and ends at nil.
type endingOnce chan *source.Set

func (s endingOnce) Run(ctx context.Context, emit func(source.Set)) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case set := <-s:
			if set == nil {
				return errors.New("it broke")
			}
			emit(*set)
		}
	}
}

// TestRoots checks the roots, which tell the receiver when one source has lost all its specs.
func TestRoots(t *testing.T) {
	got := Sets([]Part{{Root: "/specs", Set: &source.Set{}}, {Root: "oci://registry.example/filters:prod"}}).Roots
	if diff := cmp.Diff([]string{"/specs", "oci://registry.example/filters:prod"}, got); diff != "" {
		t.Error(diff)
	}
}
