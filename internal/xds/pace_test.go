package xds

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// A crowd begins at the pace of the server, and a stream that would wait for too long is refused at
// once. A client that leaves gives its turn back.
func TestACrowdBeginsAtThePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perSecond = 10
		p, start := newPace(perSecond), time.Now()
		began := make(chan time.Duration, 1000)
		for range 5 * perSecond {
			go func() {
				if p.enter(t.Context()) {
					began <- time.Since(start)
				}
			}()
		}
		synctest.Wait()
		if n := len(began); n != perSecond || p.waiting.Load() != 4*perSecond {
			t.Fatalf("%d begin at once, and %d wait", n, p.waiting.Load())
		}
		leaves, leave := context.WithCancel(t.Context())
		leave()
		if p.enter(leaves) {
			t.Error("a client without a turn has begun")
		}
		time.Sleep(2*time.Second + time.Millisecond)
		synctest.Wait()
		if n := len(began); n != 3*perSecond {
			t.Errorf("after two seconds, %d have begun", n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := len(began); n != 5*perSecond || p.waiting.Load() != 0 {
			t.Errorf("after four seconds, %d have begun, and %d wait", n, p.waiting.Load())
		}
		for range int(mostPaceWait.Seconds()) * perSecond {
			go p.enter(t.Context())
		}
		synctest.Wait()
		if before := time.Now(); p.enter(t.Context()) || time.Since(before) != 0 {
			t.Error("a stream waits although its turn would come too late")
		}
		time.Sleep(mostPaceWait)
	})
}

// A stream without a turn ends with UNAVAILABLE, the flag in its message, and delivery does not
// hear of it.
func TestAStreamWithoutATurn(t *testing.T) {
	refusals := make(chan Refusal, 10)
	s, events, conn := startLimited(t, named{}, Limits{Refused: func(r Refusal) { refusals <- r }})
	s.shared.pace.limiter = rate.NewLimiter(0.01, 1)
	ask(t, conn, true, testNode, "a")
	next[delivery.StreamOpened](t, events)
	next[delivery.Requested](t, events)
	if err := ask(t, conn, true, testNode, "a")(); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "--connect-rate") {
		t.Errorf("%v", err)
	}
	if r := <-refusals; r.Limit != LimitConnectRate || r.Most != 2_000 || r.Address == "" {
		t.Errorf("told of %+v", r)
	}
	if len(events) > 0 {
		t.Errorf("delivery hears of %T", <-events)
	}
}
