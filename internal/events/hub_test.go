package events

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// TestHubGivesWhatWasMissed: a returning subscriber gets the events after its last one, while
// they are kept.
func TestHubGivesWhatWasMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Hub
		publish := func(names ...string) {
			for _, name := range names {
				h.Publish(api.Event{Type: api.EventFilter, Name: name})
			}
		}
		publish("before anybody")
		s := h.Subscribe("")
		publish("a", "b")
		first := <-s.Events
		s.Cancel()
		s.Cancel()
		publish("c")
		missed := func(id string) string {
			s := h.Subscribe(id)
			defer s.Cancel()
			text := ""
			for _, e := range s.Missed {
				text += e.Name
			}
			return fmt.Sprint(text, " ", s.Reset)
		}
		if got := missed(first.ID); got != "bc false" {
			t.Errorf("after %s: %s", first.ID, got)
		}
		for _, id := range []string{"", "else"} {
			if got := missed(id); got != " "+fmt.Sprint(id != "") {
				t.Errorf("after %q: %s", id, got)
			}
		}
		if got := missed(h.epoch + "-99"); got != " true" {
			t.Errorf("after one that is to come: %s", got)
		}
		for i := range 3 * hubKept {
			publish(fmt.Sprint(i))
		}
		if got := missed(first.ID); got != " true" || len(h.kept) > 2*hubKept {
			t.Errorf("after too many: %s, %d are kept", got, len(h.kept))
		}
		newest := h.id(h.last)
		time.Sleep(2 * hubWait)
		if h.Watched() {
			t.Error("it waits for ever")
		}
		if got := missed(newest); got != " true" || len(h.kept) != 0 {
			t.Errorf("after a long time: %s, %d are kept", got, len(h.kept))
		}
	})
}

func TestHubDropsWhoLags(t *testing.T) {
	var hub Hub
	one, two := hub.Subscribe(""), hub.Subscribe("")
	defer one.Cancel()
	slow, quick, cancel := one.Events, two.Events, two.Cancel
	for range hubQueue + 1 {
		hub.Publish(api.Event{Type: api.EventFilter})
		<-quick
	}
	n := 0
	for range slow {
		n++
	}
	if n != hubQueue {
		t.Errorf("the slow one got %d events, want %d and then the end", n, hubQueue)
	}
	cancel()
	cancel()
	if _, open := <-quick; open {
		t.Error("the channel is open after cancel")
	}
	hub.Publish(api.Event{})
}
