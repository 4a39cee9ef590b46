package admin

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// listening reads the events of a server, line by line, until the test ends.
func listening(t *testing.T, url, lastEventID string) (next func(lines int) []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	got, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		got.Body.Close()
	})
	if kind := got.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatalf("content type %s: %s", kind, got.Status)
	}
	lines := bufio.NewScanner(got.Body)
	lines.Scan() // the greeting: from here on the client is subscribed
	return func(n int) (have []string) {
		for len(have) < n && lines.Scan() {
			if text := lines.Text(); text != "" && !strings.HasPrefix(text, ":") {
				have = append(have, text)
			}
		}
		return have
	}
}

func TestEvents(t *testing.T) {
	state := someState()
	url := serve(t, state) + "/api/v1/events"
	next, snapshots := listening(t, url, ""), listening(t, url+"?type=snapshot", "")
	state.Publish(api.Event{Type: api.EventFilter, Name: "auth", State: "active", Revision: "0123456789ab"})
	state.Publish(api.Event{Type: api.EventSnapshot, Name: "v2"})
	have := next(3)
	id := strings.TrimPrefix(have[0], "id: ")
	want := []string{
		"id: " + id, "event: filter",
		`data: {"id":"` + id + `","type":"filter","name":"auth","state":"active","revision":"0123456789ab","time":"0001-01-01T00:00:00Z"}`,
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	if have := snapshots(3); have[1] != "event: snapshot" {
		t.Errorf("?type=snapshot: %q", have)
	}
	if have := listening(t, url, id)(2); have[1] != "event: snapshot" {
		t.Errorf("what was missed: %q", have)
	}
	if have := listening(t, url, "another-1")(1); have[0] != "event: reset" {
		t.Errorf("of another process: %q", have)
	}
	if answer := request(t, Handler(state, Options{}), "GET", "/api/v1/events?type=x", nil); answer.Code != http.StatusBadRequest {
		t.Errorf("an unknown type: %d", answer.Code)
	}
}
