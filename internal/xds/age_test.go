package xds

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// An old connection ends, and delivery hears of the end of its streams. The client begins the next
// stream on a new connection, where it has the next age.
func TestAnOldConnectionEnds(t *testing.T) {
	t.Parallel()
	_, events, conn := startLimited(t, named{}, Limits{ConnectionAge: 50 * time.Millisecond})
	for range 2 {
		ended := ask(t, conn, true, testNode, "a")
		next[delivery.StreamOpened](t, events)
		next[delivery.Requested](t, events)
		if err := ended(); status.Code(err) != codes.Unavailable {
			t.Errorf("the stream ends with %v", err)
		}
		next[delivery.StreamClosed](t, events)
	}
}
