package moduleserver

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/pause"
)

// polls are the pauses between two looks at the socket. A peer that closes when it has
// everything is noticed without any look.
var polls = pause.Policy{First: 2 * time.Millisecond, Most: 50 * time.Millisecond}

const (
	// closeWait is how long a peer that has acknowledged everything may take to close, and
	// closePerByte what it may take besides to digest it: a millisecond for 20 KB.
	closeWait    = 50 * time.Millisecond
	closePerByte = 50 * time.Nanosecond
	// stallLimit is how long a peer may acknowledge nothing.
	stallLimit = 30 * time.Second
)

var (
	errBroken  = errors.New("the connection broke")
	errStalled = errors.New("the peer stopped to acknowledge")
)

// awaitTaken waits until the peer has all that was written to conn: until it closes the
// connection with nothing left unread (closed), or for as long as patience after its
// kernel has acknowledged the last byte. What has left this process may still be in the
// send queue, megabytes on a slow link. ctx ends when the peer closes. The wait fails
// when that comes too early, and after stallLimit without progress.
func awaitTaken(ctx context.Context, conn net.Conn, patience time.Duration) (closed bool, err error) {
	queue, ok := sendQueue(conn)
	if !ok {
		return false, nil
	}
	pauses := polls.Schedule()
	timer := time.NewTimer(pauses.NextBackOff())
	defer timer.Stop()
	least, progress := -1, time.Now()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			if left, err := queue(); err != nil || left != 0 {
				return false, errBroken
			}
			return !errors.Is(ctx.Err(), context.DeadlineExceeded), nil
		}
		left, err := queue()
		switch {
		case err != nil:
			return false, err
		case left == 0 && least != 0, least < 0, left < least:
			least, progress = left, time.Now()
		case left == 0 && time.Since(progress) > patience:
			return false, nil
		case time.Since(progress) > stallLimit:
			return false, errStalled
		}
		timer.Reset(pauses.NextBackOff())
	}
}
