package delivery

import "testing"

// TestWhatWaitsForItsTurnIsNotLive: a SotW stream has one response at a time. A filter changed
// meanwhile is pending although nothing has been sent.
func TestWhatWaitsForItsTurnIsNotLive(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one")
	r.edit("hello", "hi")
	r.connect(1, connection{sotw: true, ads: true}, "auth", "hello")
	r.ack(1)
	r.ack(1)
	r.wantState(1, "auth", "live one")
	r.edit("hello", "hello")
	r.edit("auth", "two!")
	r.wantState(1, "auth", "pending one")
}
