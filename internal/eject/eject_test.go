package eject_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/eject"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// revisionOf is a revision of the filter "auth" with this configuration.
func revisionOf(config string) *snapshot.Revision {
	r := &snapshot.Revision{
		Filter: "auth", Type: spec.HTTP, Module: snapshot.Module{SHA256: strings.Repeat("ab", 32)}, Policy: spec.Closed,
		VM: snapshot.VM{Runtime: "envoy.wasm.runtime.v8"}, Config: &config,
	}
	return r.Seal()
}

// FromMemory decides as delivery does for an Envoy that connects.
func TestFromMemory(t *testing.T) {
	stable, next := revisionOf("stable"), revisionOf("next")
	stopped := []rollout.Stop{{Revision: next.ID, Why: rollout.Refused, Reason: "it traps"}}
	filter := func(change func(*snapshot.Filter)) *snapshot.Filter {
		f := &snapshot.Filter{Name: "auth", Type: spec.HTTP, Revision: next, Policy: spec.Closed, Canary: spec.Canary{Count: 1}}
		if change != nil {
			change(f)
		}
		return f
	}
	for _, tt := range []struct {
		name string
		f    delivery.FilterMemory
		want string // the revision, and the codes of the notes
	}{
		{"live", delivery.FilterMemory{Wanted: filter(nil), Stable: next}, "next []"},
		{"a rollout", delivery.FilterMemory{Wanted: filter(nil), Stable: stable}, "stable [rollout]"},
		{"a stopped rollout", delivery.FilterMemory{Wanted: filter(nil), Stable: stable, Stops: stopped}, "stable [rollout]"},
		{"an error in the spec", delivery.FilterMemory{Wanted: filter(func(f *snapshot.Filter) { f.Revision = nil }), Stable: stable}, "stable [rollout]"},
		{"no Envoy yet", delivery.FilterMemory{Wanted: filter(nil)}, "next [unproven]"},
		{"refused, closed", delivery.FilterMemory{Wanted: filter(nil), Stops: stopped}, "deny [stand_in]"},
		{"refused, open", delivery.FilterMemory{Wanted: filter(func(f *snapshot.Filter) { f.Policy = spec.Open }), Stops: stopped}, "none [removed]"},
		{"never served", delivery.FilterMemory{Wanted: filter(func(f *snapshot.Filter) { f.Revision = nil })}, "deny [stand_in]"},
		{"a service that does not load", delivery.FilterMemory{Wanted: filter(func(f *snapshot.Filter) { f.Type = spec.Service }), Stops: stopped}, "none [removed]"},
		{"disabled", delivery.FilterMemory{Wanted: filter(func(f *snapshot.Filter) { f.Disabled = true }), Stable: next}, "none [disabled]"},
		{"removed, kept", delivery.FilterMemory{Wanted: filter(func(f *snapshot.Filter) { f.Removed, f.OnRemove = true, spec.Keep }), Stable: next}, "next []"},
		{"removed, denied", delivery.FilterMemory{Wanted: filter(func(f *snapshot.Filter) { f.Removed, f.OnRemove = true, spec.Deny }), Stable: next}, "deny [stand_in]"},
		{"removed, passes", delivery.FilterMemory{Wanted: filter(func(f *snapshot.Filter) { f.Removed, f.OnRemove = true, spec.Passthrough }), Stable: next}, "none [removed]"},
		{"a name without a spec", delivery.FilterMemory{Stable: next}, "none []"},
		{"rolled back", delivery.FilterMemory{Wanted: filter(func(f *snapshot.Filter) { f.RolledBack = true }), Stable: next}, "next [rollback]"},
		{"nodes and waves", delivery.FilterMemory{Wanted: filter(func(f *snapshot.Filter) {
			f.Nodes, f.Rollout.Pause = spec.NodeSelector{IDs: []string{"edge"}}, true
		}), Stable: next}, "next [nodes rollout]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.f.Name = "auth"
			p := eject.FromMemory(delivery.Memory{Filters: []delivery.FilterMemory{tt.f}})
			got := "none"
			for _, r := range p.Revisions {
				switch {
				case r.BuiltIn:
					got = "deny"
				default:
					got = *r.Config
				}
			}
			var codes []eject.Code
			for _, n := range p.Notes {
				codes = append(codes, n.Code)
			}
			if got = fmt.Sprint(got, " ", codes); got != tt.want {
				t.Errorf("%s, want %s; %+v", got, tt.want, p.Notes)
			}
		})
	}
}

func TestFiles(t *testing.T) {
	p := eject.FromFilters([]*snapshot.Filter{{Name: "auth", Revision: revisionOf("hunter2hunter2")}})
	to := eject.Target{Dir: "/etc/envoy/ejected"}
	files, err := p.Filters(to)
	if err != nil {
		t.Fatal(err)
	}
	start, err := p.Bootstrap(to)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(files[0].Data); files[0].Path != "filters/auth.json" || strings.Contains(text, "salt") || !strings.Contains(text, "hunter2hunter2") ||
		!strings.Contains(text, "/etc/envoy/ejected/modules/"+strings.Repeat("ab", 32)+".wasm") {
		t.Errorf("%s: %s", files[0].Path, text)
	}
	if text := string(start.Data); strings.Contains(text, "hunter2") || strings.Contains(text, "wasm_xds") || !strings.Contains(text, "/etc/envoy/ejected/filters/auth.json") {
		t.Error(text)
	}
	if _, err := (eject.Plan{}).Bootstrap(to); err != eject.ErrNothing {
		t.Error(err)
	}
}

// A service has no file of its own: the bootstrap has the service, with the module of the
// directory.
func TestService(t *testing.T) {
	service := *revisionOf("one")
	service.Filter, service.Type, service.VM.ID = "traffic", spec.Service, "traffic"
	p := eject.FromFilters([]*snapshot.Filter{{Name: "traffic", Type: spec.Service, Revision: service.Seal()}})
	to := eject.Target{Dir: "/etc/envoy/ejected"}
	files, err := p.Filters(to)
	if err != nil || len(files) > 0 {
		t.Errorf("the service has the files %v, %v", files, err)
	}
	start, err := p.Bootstrap(to)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"envoy.bootstrap.wasm", "vm_id: traffic", "/etc/envoy/ejected/modules/" + strings.Repeat("ab", 32) + ".wasm"} {
		if !strings.Contains(string(start.Data), want) {
			t.Errorf("there is no %s:\n%s", want, start.Data)
		}
	}
}

// No name leaves the directory, and different names have different files.
func TestFilterPath(t *testing.T) {
	names := []string{"a/b", "a_b", "a%2Fb", "..", "../../etc/passwd", "a:b", strings.Repeat("é", 300), strings.Repeat("é", 299)}
	var paths []string
	for _, name := range names {
		path := eject.FilterPath(name)
		if rest, ok := strings.CutPrefix(path, "filters/"); !ok || strings.Contains(rest, "/") || len(rest) > 255 || slices.Contains(paths, path) {
			t.Errorf("%q: %q", name, path)
		}
		paths = append(paths, path)
	}
}

func TestIsPreparing(t *testing.T) {
	ready := api.Filter{Name: "a", State: api.FilterActive}
	if eject.IsPreparing([]api.Filter{ready}) || !eject.IsPreparing([]api.Filter{ready, {Name: "b", State: api.FilterPreparing}}) {
		t.Error("only a filter without its first revision is being prepared")
	}
}

// A state without a filter that the server serves is an older one, also before any Envoy has run
// the filter.
func TestDiffers(t *testing.T) {
	one, two := &snapshot.Revision{ID: "111111111111"}, &snapshot.Revision{ID: "222222222222"}
	wanted := func(r *snapshot.Revision) *snapshot.Filter { return &snapshot.Filter{Name: "a", Revision: r} }
	for name, tt := range map[string]struct {
		saved  []delivery.FilterMemory
		served []api.Filter
		want   string
	}{
		"the same":                 {[]delivery.FilterMemory{{Name: "a", Wanted: wanted(one), Stable: one}}, []api.Filter{{Name: "a", Revision: one.ID, Stable: one.ID}}, ""},
		"a rollout":                {[]delivery.FilterMemory{{Name: "a", Wanted: wanted(two), Stable: one}}, []api.Filter{{Name: "a", Revision: two.ID, Stable: one.ID}}, ""},
		"not saved":                {nil, []api.Filter{{Name: "a", Revision: one.ID}}, "a"},
		"an older state":           {[]delivery.FilterMemory{{Name: "a", Wanted: wanted(one)}}, []api.Filter{{Name: "a", Revision: two.ID}}, "a"},
		"an older stable revision": {[]delivery.FilterMemory{{Name: "a", Wanted: wanted(two), Stable: one}}, []api.Filter{{Name: "a", Revision: two.ID, Stable: two.ID}}, "a"},
		"another server":           {[]delivery.FilterMemory{{Name: "a", Wanted: wanted(one), Stable: one}}, nil, "a"},
		"disabled":                 {[]delivery.FilterMemory{{Name: "a", Wanted: wanted(nil)}}, []api.Filter{{Name: "a", Revision: two.ID, Disabled: true}}, ""},
		"without a revision":       {[]delivery.FilterMemory{{Name: "a", Wanted: wanted(nil)}}, []api.Filter{{Name: "a"}}, ""},
	} {
		if got := eject.Differs(delivery.Memory{Filters: tt.saved}, tt.served); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
