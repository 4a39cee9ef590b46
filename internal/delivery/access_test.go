package delivery

import (
	"slices"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// only allows these filters.
type only []string

func (o only) Allows(filter string) bool { return slices.Contains(o, filter) }

// A client gets nothing but a deny in place of a filter that it may not have: with and without a
// spec, with any failure policy, and with any version that the client claims to run.
func TestBarredSubscribers(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one", policy(spec.Open))
	r.edit("mine", "one")
	accepted := map[string]Version{"auth": {Revision: r.filters["auth"].Revision.ID, Variant: Inline, Salt: "0000000100000001"}}
	r.step(StreamOpened{Stream: 1, Delta: true, ADS: true, Node: Node{ID: "liar", Version: "1.40.0", Access: only{"mine"}}})
	var names []Subscription
	for _, name := range []string{"auth", "ghost", "mine"} {
		s := Subscription{Name: name}
		if v, ok := accepted[name]; ok {
			s.Accepted = v.String()
		}
		names = append(names, s)
	}
	r.step(Requested{Stream: 1, Subscribe: names})
	for range 5 {
		if len(r.waiting[1]) > 0 {
			r.ack(1)
		}
	}
	got := slices.Clone(r.sent)
	slices.Sort(got)
	if !slices.Equal(got, []string{"1 auth deny/http inline", "1 ghost deny/http inline", "1 mine one inline"}) {
		t.Errorf("sent: %q", got)
	}
	r.sent = nil
	r.wantState(1, "auth", "denied deny/http "+CodeNotAllowed)
	r.wantState(1, "ghost", "denied deny/http "+CodeNotAllowed)
	r.wantState(1, "mine", "live one")
	if r.m.verdicts.Len() != 1 {
		t.Errorf("%d verdicts: the word of the client about auth counts", r.m.verdicts.Len())
	}
	// An edit goes to clients that may have the filter, and the barred client is no canary.
	r.edit("auth", "two", policy(spec.Open))
	r.want()
	r.step(StreamOpened{Stream: 2, Delta: true, ADS: true, Node: Node{ID: "right", Version: "1.40.0", Access: only{"auth"}}})
	r.step(Requested{Stream: 2, Subscribe: []Subscription{{Name: "auth"}}})
	r.want("2 auth two inline")
	r.ack(2)
	r.wantState(2, "auth", "live two")
	r.want()
}

// A changed access withdraws a filter and gives another, and leaves all others alone.
func TestAccessChanges(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one")
	r.edit("mine", "one")
	r.edit("rest", "one")
	r.step(StreamOpened{Stream: 1, Delta: true, ADS: true, Node: Node{ID: "edge", Version: "1.40.0", Access: only{"mine", "rest"}}})
	r.step(Requested{Stream: 1, Subscribe: []Subscription{{Name: "auth"}, {Name: "mine"}, {Name: "rest"}}})
	for len(r.waiting[1]) > 0 {
		r.ack(1)
	}
	r.sent = nil
	r.step(AccessChanged{Stream: 1, Identity: "spiffe://edge", Access: only{"auth", "rest"}})
	for len(r.waiting[1]) > 0 {
		r.ack(1)
	}
	if !slices.Contains(r.sent, "1 mine deny/http inline") || len(r.sent) < 2 {
		t.Errorf("sent: %q", r.sent)
	}
	for _, line := range r.sent {
		if slices.Contains([]string{"1 rest one inline", "1 rest one remote"}, line) {
			t.Errorf("an untouched filter is sent: %q", r.sent)
		}
	}
	r.wantState(1, "auth", "live one")
	r.wantState(1, "mine", "denied deny/http "+CodeNotAllowed)
	r.wantState(1, "rest", "live one")
	if s, _ := r.m.Stream(1); s.Node.Identity != "spiffe://edge" {
		t.Errorf("the client is known as %q", s.Node.Identity)
	}
	// Without a limit, everything comes back.
	r.step(AccessChanged{Stream: 1})
	for len(r.waiting[1]) > 0 {
		r.ack(1)
	}
	r.wantState(1, "mine", "live one")
	r.step(AccessChanged{Stream: 7, Access: only{}}) // it has ended
}

// A module is for the clients that are served a filter with it.
func TestMayFetch(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one")
	r.edit("mine", "other")
	r.step(StreamOpened{Stream: 1, Node: Node{ID: "edge", Version: "1.40.0", Certificate: "a", Access: only{"mine"}}})
	r.step(Requested{Stream: 1, Subscribe: []Subscription{{Name: "auth"}, {Name: "mine"}}})
	r.step(StreamOpened{Stream: 2, Node: Node{ID: "other", Version: "1.40.0", Certificate: "b", Access: only{"auth", "mine"}}})
	r.step(Requested{Stream: 2, Subscribe: []Subscription{{Name: "auth"}}})
	auth, mine := r.filters["auth"].Revision.Module.SHA256, r.filters["mine"].Revision.Module.SHA256
	for _, tt := range []struct {
		certificate, module string
		want                bool
	}{
		{"a", auth, false}, // barred
		{"a", mine, true},
		{"b", auth, true},
		{"b", mine, false}, // does not ask for it
		{"", auth, false},
		{"c", auth, false},
	} {
		if got := r.m.MayFetch(tt.certificate, tt.module); got != tt.want {
			t.Errorf("%q may fetch %.10s…: %t", tt.certificate, tt.module, got)
		}
	}
	r.step(StreamClosed{Stream: 2})
	if r.m.MayFetch("b", auth) {
		t.Error("a client without a stream may fetch")
	}
}

// A GET with the token of another client's push says nothing about that push.
func TestAGETByAnotherClient(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one")
	r.step(StreamOpened{Stream: 1, Delta: true, ADS: true, Node: Node{ID: "edge", Version: "1.40.0", Certificate: "a"}})
	r.step(Requested{Stream: 1, Subscribe: []Subscription{{Name: "auth"}}})
	r.ack(1)
	r.edit("auth", "another")
	r.nack(1, "not cached")
	r.sent = nil
	token := r.version("auth").Salt
	r.step(FetchStarted{Token: token, Certificate: "b"})
	r.step(FetchFinished{Token: token, Certificate: "b", Complete: true, Taken: true})
	r.want()
	r.step(FetchStarted{Token: token, Certificate: "a"})
	r.step(FetchFinished{Token: token, Certificate: "a", Complete: true, Taken: true})
	r.want("1 auth another remote")
}
