package chaos

import (
	"fmt"
	"testing"
)

func versions() []string { return []string{"1.40.0", "1.39.3", "1.37.0", "1.36.4"} }

// A seed gives the same steps each time.
func TestPlanIsItsSeed(t *testing.T) {
	steps := func(seed uint64) (text string) {
		p := NewPlan(seed, NewWorld(versions()), 5)
		p.First()
		for range 200 {
			text += fmt.Sprintf("%+v\n", p.Next())
		}
		return text
	}
	first := steps(1)
	if again := steps(1); again != first {
		t.Error("one seed gave two plans")
	}
	if first == steps(2) {
		t.Error("two seeds gave one plan")
	}
}

// Many steps contain every kind of change and harm, and no combination without a certain result.
func TestPlanIsSound(t *testing.T) {
	done := map[string]int{}
	for seed := range uint64(20) {
		w := NewWorld(versions())
		p := NewPlan(seed, w, 5)
		p.First()
		for range 500 {
			preflight, plain := w.Preflight, w.Plain()
			pinned := map[int]bool{}
			for i, f := range w.Filters {
				pinned[i] = f.Pinned
			}
			s := p.Next()
			if s.Kind == Bad && pinned[s.Filter] {
				t.Fatalf("seed %d: %s, whose pin keeps Envoys from trying it", seed, s)
			}
			if s.Kind == Pin {
				f := w.Filters[s.Filter]
				p.RolledBack(s.Filter, f.Runs[versions()[0]], true)
			}
			done[string(s.Kind)]++
			for _, e := range s.Edits {
				done[string(e.Content.Fault)]++
				if preflight == "off" && (e.Content.Fault.Hostile() || e.Content.Fault == NewImport) {
					t.Fatalf("seed %d: %s meets Envoys without a sandbox", seed, s)
				}
			}
			for _, h := range s.Harm {
				done[string(h.Kind)]++
				if (h.Kind == RotState || h.Preflight != "") && (!plain || s.Kind == Bad) {
					t.Fatalf("seed %d: %s, where the directory does not say what runs", seed, s)
				}
			}
			for _, f := range w.Filters {
				for _, version := range versions() {
					if f.Want(version) == "" {
						t.Fatalf("seed %d: after %s nothing is wanted of %s on %s", seed, s, f.Name, version)
					}
				}
			}
		}
	}
	for _, kind := range append(weighted(), Enable) {
		if done[string(kind)] == 0 {
			t.Errorf("never: %s", kind)
		}
	}
	for _, fault := range []Fault{Garbage, MissingImport, ConfigureFails, NewImport, Loops, Grows, NoMemory, BrokenYAML, UnknownField, MissingModule, TruncatedCode} {
		if done[string(fault)] == 0 {
			t.Errorf("never: %s", fault)
		}
	}
	for _, kind := range harms() {
		if done[string(kind)] == 0 {
			t.Errorf("never: %s", kind)
		}
	}
}
