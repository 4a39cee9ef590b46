package moduleserver

import (
	"context"
	"errors"
	"net"
	"time"
)

const (
	// pollPause is how often the socket is looked at: short against the 20 ms
	// that Envoy gets to digest what it has received.
	pollPause = 2 * time.Millisecond
	// stallLimit is how long a peer may acknowledge nothing.
	stallLimit = 30 * time.Second
)

var (
	errBroken  = errors.New("the connection broke")
	errStalled = errors.New("the peer stopped to acknowledge")
)

// awaitAcknowledged waits until the peer's kernel has acknowledged all that was
// written to conn. What has left this process may still be in the send queue,
// megabytes on a slow link. The wait ends early when ctx does, which is when the
// peer has closed the connection, and after stallLimit without progress.
func awaitAcknowledged(ctx context.Context, conn net.Conn) error {
	queue, ok := sendQueue(conn)
	if !ok {
		return nil
	}
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	least, progress := -1, time.Now()
	for {
		left, err := queue()
		switch {
		case err != nil:
			return err
		case left == 0:
			return nil
		case least < 0 || left < least:
			least, progress = left, time.Now()
		case time.Since(progress) > stallLimit:
			return errStalled
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			// A peer that has everything may close at once.
			if left, err := queue(); err == nil && left == 0 {
				return nil
			}
			return errBroken
		}
	}
}
