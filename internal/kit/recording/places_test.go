package recording

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// taps are the taps around a filter, as Envoy calls them.
type taps struct{ chunks []placed }

func (s *taps) single(text string, headers int) { s.chunks = append(s.chunks, placed{text, headers}) }

func (s *taps) double(text string, headers int) {
	s.chunks = append(s.chunks, placed{text, headers}, placed{text, headers})
}

// filters pass the chunks of a body on in the ways of Envoy's filters: each chunk at once or all
// together, changed or not. wait says the filter holds the headers back, too.
func filters() map[string]func(chunks []string) (passed []string, held, wait bool) {
	each := func(chunks []string, change func(string) string) []string {
		out := slices.Clone(chunks)
		for i := range out {
			out[i] = change(out[i])
		}
		return out
	}
	return map[string]func([]string) ([]string, bool, bool){
		"pass":   func(c []string) ([]string, bool, bool) { return c, false, false },
		"change": func(c []string) ([]string, bool, bool) { return each(c, strings.ToUpper), false, false },
		"swap": func(c []string) ([]string, bool, bool) {
			return each(c, strings.NewReplacer("a", "b", "b", "a").Replace), false, false
		},
		"drop": func(c []string) ([]string, bool, bool) {
			return each(c, func(string) string { return "" }), false, false
		},
		"hold":        func(c []string) ([]string, bool, bool) { return []string{strings.Join(c, "")}, true, false },
		"hold change": func(c []string) ([]string, bool, bool) { return []string{"<" + strings.Join(c, "") + ">"}, true, false },
		"wait":        func(c []string) ([]string, bool, bool) { return []string{strings.Join(c, "")}, true, true },
		"wait change": func(c []string) ([]string, bool, bool) { return []string{"a"}, true, true },
	}
}

// The bodies are either right, or not known.
func TestBodiesAreRightOrUnknown(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	known, all := map[string]int{}, 0
	for range 2000 {
		chunks := make([]string, 1+r.IntN(5))
		for i := range chunks {
			for { // no two equal chunks side by side, except for empty ones
				chunks[i] = []string{"a", "b", "ab", ""}[r.IntN(4)]
				if i == 0 || chunks[i] == "" || chunks[i] != chunks[i-1] {
					break
				}
			}
		}
		all++
		for name, filter := range filters() {
			passed, held, wait := filter(chunks)
			want := [2]string{strings.Join(chunks, ""), strings.Join(passed, "")}
			var request, response taps
			early := func(late, early int) int {
				if wait {
					return early
				}
				return late
			}
			for i, c := range chunks {
				request.single(c, early(3, 1))
				response.double(c, early(3, 2))
				if !held {
					request.double(passed[i], 3)
					response.single(passed[i], 3)
				}
			}
			if held {
				request.double(passed[0], 3)
				response.single(passed[0], 3)
			}
			before, after, ok := requestBodies(request.chunks)
			if ok && [2]string{before, after} != want {
				t.Fatalf("%s, request %q: %q and %q, want %q", name, chunks, before, after, want)
			}
			upstream, client, ok2 := responseBodies(response.chunks)
			if ok2 && [2]string{upstream, client} != want {
				t.Fatalf("%s, response %q: %q and %q, want %q", name, chunks, upstream, client, want)
			}
			if ok && ok2 {
				known[name]++
			}
		}
	}
	for name := range filters() {
		t.Logf("%s: %d of %d are known", name, known[name], all)
		if known[name] < all*9/10 {
			t.Errorf("%s: only %d of %d are known", name, known[name], all)
		}
	}
}
