package apiclient

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// gatherEvents is how long events are gathered, so a burst is shown once.
const gatherEvents = 50 * time.Millisecond

// onChange follows the events of a server, see [Client.OnChange]. It also looks after each pause
// without an event; 0: it does not.
func onChange(ctx context.Context, s server, pause time.Duration, look func() (done bool, err error)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answer, err := s.ask(ctx, http.MethodGet, "events", nil) //nolint:bodyclose // it is closed below; the linter loses sight of it in the goroutine
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	changed := make(chan struct{}, 1)
	go func() {
		defer close(changed)
		readEvents(answer.Body, changed)
	}()
	defer func() {
		cancel()
		for range changed { // until the goroutine has ended
		}
	}()
	for {
		if done, err := look(); done || err != nil {
			return err
		}
		select {
		case _, open := <-changed:
			switch {
			case open:
			case ctx.Err() != nil:
				return ctx.Err()
			default:
				return &api.Error{Code: CodeServerGone, Message: "the server at " + s.name + " has ended"}
			}
		case <-after(pause):
			continue
		}
		select {
		case <-time.After(gatherEvents):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// after is [time.After], and never comes after 0.
func after(pause time.Duration) <-chan time.Time {
	if pause == 0 {
		return nil
	}
	return time.After(pause)
}

// readEvents notes each server-sent event of the stream, until the stream ends.
func readEvents(stream io.Reader, changed chan<- struct{}) {
	lines := bufio.NewScanner(stream)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "event:") {
			select {
			case changed <- struct{}{}:
			default: // an event is noted already
			}
		}
	}
}
