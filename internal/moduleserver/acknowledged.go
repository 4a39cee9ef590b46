package moduleserver

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/pause"
)

// polls are the pauses between two looks at the socket. A close by the peer ends the wait without
// another look.
var polls = pause.Policy{First: 2 * time.Millisecond, Most: 50 * time.Millisecond}

const (
	// closeWait is how long a peer that has acknowledged all bytes may take to close the
	// connection. closePerByte is the additional time for the peer to process the module: 1 ms per
	// 20 KB.
	closeWait    = 50 * time.Millisecond
	closePerByte = 50 * time.Nanosecond
	// stallLimit is the longest time without any acknowledged byte.
	stallLimit = 30 * time.Second
)

var errStalled = errors.New("the peer stopped to acknowledge")

// awaitTaken waits until the peer has received all bytes written to conn. Written bytes may still
// be in the send queue, up to megabytes on a slow link.
//
// closed is true if the peer closed the connection after it acknowledged all bytes; ctx ends when
// the peer closes. closed is false if the peer leaves the connection open for patience after the
// last acknowledgement. awaitTaken fails if the peer closes earlier, and after stallLimit without
// progress.
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
