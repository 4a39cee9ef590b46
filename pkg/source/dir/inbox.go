package dir

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
)

// notifier is the used part of [fsnotify.Watcher].
type notifier interface {
	Add(dir string) error
	Remove(dir string) error
	Close() error
	Events() <-chan fsnotify.Event
	Errors() <-chan error
}

type fsNotify struct{ *fsnotify.Watcher }

func newFSNotify() (notifier, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return fsNotify{w}, nil
}

func (n fsNotify) Events() <-chan fsnotify.Event { return n.Watcher.Events }
func (n fsNotify) Errors() <-chan error          { return n.Watcher.Errors }

// inboxLimit is the number of paths that an inbox distinguishes.
const inboxLimit = 1 << 16

// batch contains the events since the last take.
type batch struct {
	changes  map[string]pathChange
	overflow bool // some events are lost
}

// pathChange combines the events of one path.
type pathChange struct {
	op       fsnotify.Op // all operations
	complete bool        // the last event was a rename into place, so the file is complete
}

// inbox collects events in a separate goroutine. fsnotify reports errors while it holds the lock of
// Add, so the caller of Add must not be the receiver.
type inbox struct {
	wake chan struct{} // has an element while there are events to take

	mu      sync.Mutex
	pending batch
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// pump runs until n is closed.
func (b *inbox) pump(n notifier, log *zap.Logger) {
	events, errs := n.Events(), n.Errors()
	for events != nil || errs != nil {
		select {
		case e, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			b.put(e)
		case err, ok := <-errs:
			switch {
			case !ok:
				errs = nil
			case errors.Is(err, fsnotify.ErrEventOverflow):
				b.overflow()
			default:
				// The watch has already ended. A separate event reports the end.
				log.Debug("fsnotify", zap.Error(err))
			}
		}
	}
}

func (b *inbox) put(e fsnotify.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pending.changes == nil {
		b.pending.changes = map[string]pathChange{}
	}
	if len(b.pending.changes) >= inboxLimit {
		b.pending = batch{changes: map[string]pathChange{}, overflow: true}
	}
	path := filepath.Clean(e.Name) // in "/", fsnotify names them //x
	b.pending.changes[path] = pathChange{op: b.pending.changes[path].op | e.Op, complete: renamedHere(e)}
	b.signal()
}

// renamedHere reports whether an event is a rename into place. fsnotify shows that only in the
// event's text, and only if both directories are watched. The text escapes quotes in names, so no
// name can imitate the mark.
func renamedHere(e fsnotify.Event) bool {
	return e.Op == fsnotify.Create && strings.Contains(e.String(), `" ← "`)
}

func (b *inbox) overflow() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pending.overflow = true
	b.signal()
}

func (b *inbox) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *inbox) take() batch {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.pending
	b.pending = batch{}
	return t
}
