package push

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const filterName = "filter"

// watch receives the renames of the spec and does nothing else.
type watch struct {
	watcher *fsnotify.Watcher
	heard   chan time.Time
	done    chan struct{}
}

func newWatch(dir string) (*watch, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	if err := watcher.Add(dir); err != nil {
		return nil, errors.Join(err, watcher.Close())
	}
	w := &watch{watcher: watcher, heard: make(chan time.Time, 1), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for e := range watcher.Events {
			if filepath.Base(e.Name) != filterName+".yaml" {
				continue
			}
			select {
			case w.heard <- time.Now():
			default:
			}
		}
	}()
	return w, nil
}

// forget drops an earlier event.
func (w *watch) forget() {
	select {
	case <-w.heard:
	default:
	}
}

func (w *watch) await(ctx context.Context) (time.Time, error) {
	select {
	case at := <-w.heard:
		return at, nil
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
}

func (w *watch) close() error {
	err := w.watcher.Close()
	<-w.done
	return err
}
