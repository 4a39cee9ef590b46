package dir

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// TestSyncNeedsNoEvents checks whether the source emits a set with the latest content before Sync
// returns, without any event.
func TestSyncNeedsNoEvents(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, _ *fakeNotifier) {
		s.rescan = -1
		file, module := filepath.Join(dir, "a.yaml"), filepath.Join(dir, "..", "m.wasm")
		write(t, file, "name one module ../m.wasm")
		write(t, module, "1")
		w := watch(t, s)
		seen := w.next().References[module]

		write(t, file, "name two module ../m.wasm")
		write(t, module, "22")
		if err := s.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case set := <-w.sets:
			if describe(set) != "two" || set.References[module] == seen {
				t.Errorf("emitted %s with the module %s", describe(set), set.References[module])
			}
		default:
			t.Error("nothing was emitted before Sync returned")
		}
		if err := s.Sync(t.Context()); err != nil {
			t.Error(err)
		}
		w.quiet(time.Minute) // nothing has changed
	})
}

func TestSyncSaysThatTheDirectoryIsGone(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, _ *fakeNotifier) {
		w := watch(t, s)
		w.next()
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		var problem *spec.Error
		if err := s.Sync(t.Context()); !errors.As(err, &problem) || problem.Code != CodeDirectoryMissing {
			t.Errorf("Sync = %v", err)
		}
	})
}

// TestSyncEnds checks whether Sync returns if the source does not run or ends.
func TestSyncEnds(t *testing.T) {
	bubble(t, func(t *testing.T, _ string, s *Source, _ *fakeNotifier) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Sync(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Sync = %v", err)
		}
		s.settle = time.Hour
		w := watch(t, s)
		w.next()
		ended := make(chan error, 1)
		go func() { ended <- s.Sync(t.Context()) }()
		time.Sleep(time.Second)
		w.stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Sync = %v", err)
		}
	})
}
