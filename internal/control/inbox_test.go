package control

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// However many clients wait, the messages of the server come first, and the answers of Envoys come
// before beginnings.
func TestLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox()
		var all sync.WaitGroup
		for range 3 * eventsAtOnce {
			all.Go(func() { in.event(t.Context(), delivery.Woken{}) })
		}
		for range 3 * beginningsAtOnce {
			all.Go(func() { in.begin(t.Context(), []delivery.Event{delivery.StreamOpened{}}) })
		}
		synctest.Wait()
		in.post("edit")
		in.post("question")
		var taken []string
		count := func(message any) { taken = append(taken, fmt.Sprintf("%T", message)) }
		in.waiting(count)
		want := slices.Concat([]string{"string", "string"}, slices.Repeat([]string{"delivery.Woken"}, eventsAtOnce),
			slices.Repeat([]string{"[]delivery.Event"}, beginningsAtOnce))
		if !slices.Equal(taken, want) {
			t.Errorf("taken: %q", taken)
		}
		close(in.done)
		all.Wait()
	})
}

// A stream that has ended is not looked at.
func TestAStreamThatEndsBeforeItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox()
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				if in.begin(ctx, []delivery.Event{delivery.StreamOpened{}}) || in.event(ctx, delivery.Woken{}) {
					t.Error("an event of an ended stream was taken")
				}
			})
		}
		synctest.Wait()
		cancel()
		all.Wait()
		in.waiting(func(message any) { t.Errorf("taken: %v", message) })
	})
}
