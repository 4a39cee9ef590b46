package main

import (
	"sync"

	"golang.org/x/net/http2"
)

// windows are the bytes that the server lets a client send. Any goroutine may call the methods.
type windows struct {
	mu         *sync.Mutex
	changed    *sync.Cond
	initial    int // of a stream
	connection int
	streams    map[uint32]int // the difference to the initial window
	err        error          // of the end of the connection
}

func newWindows() windows {
	const byDefault = 65_535 // RFC 9113, section 6.9.2
	w := windows{mu: &sync.Mutex{}, initial: byDefault, connection: byDefault, streams: map[uint32]int{}}
	w.changed = sync.NewCond(w.mu)
	return w
}

// take waits until a stream may send, and takes up to n bytes for a frame.
func (w *windows) take(id uint32, n int) (int, error) {
	const mostInFrame = 16 << 10
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		may := min(n, mostInFrame, w.connection, w.initial+w.streams[id])
		switch {
		case w.err != nil:
			return 0, w.err
		case may > 0:
			w.connection -= may
			w.streams[id] -= may
			return may, nil
		}
		w.changed.Wait()
	}
}

// saw takes a frame of the server.
func (w *windows) saw(f http2.Frame) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if size, ok := f.Value(http2.SettingInitialWindowSize); ok {
			w.initial = int(size)
		}
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 {
			w.connection += int(f.Increment)
		} else {
			w.streams[f.StreamID] += int(f.Increment)
		}
	}
	w.changed.Broadcast()
}

// forget drops the window of a stream that has ended.
func (w *windows) forget(id uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.streams, id)
}

// end ends the waits, because the connection has ended.
func (w *windows) end(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
	w.changed.Broadcast()
}
