package merge

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/wasm-xds/wasm-xds/pkg/source"
)

// asked emits a set for each Sync, and returns its error afterwards.
type asked struct {
	sets chan source.Set
	err  error
}

func (a *asked) Run(ctx context.Context, emit func(source.Set)) error {
	return scripted(a.sets).Run(ctx, emit)
}

func (a *asked) Sync(context.Context) error {
	a.sets <- *setOf("/a", "fresh")
	synctest.Wait() // the set has been emitted
	return a.err
}

// TestSync checks whether the merged set is emitted before Sync returns, that sources without Sync
// are skipped, and that an error of a source becomes the error of the whole.
func TestSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := &asked{sets: make(chan source.Set)}, make(scripted)
		got := make(chan string, 10)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		s := New(Named{"/a", one}, Named{"/b", two})
		go func() {
			ended <- s.Run(ctx, func(s source.Set) { got <- strings.Join(describe(s), ", ") })
		}()
		two <- *setOf("/b", "b")
		if err := s.Sync(ctx); err != nil {
			t.Error(err)
		}
		select {
		case text := <-got:
			if text != "spec b, spec fresh" {
				t.Errorf("emitted %q", text)
			}
		default:
			t.Error("nothing was emitted before Sync returned")
		}
		one.err = errors.New("it is gone")
		if err := s.Sync(ctx); !errors.Is(err, one.err) {
			t.Errorf("Sync = %v", err)
		}
		cancel()
		<-ended
	})
}
