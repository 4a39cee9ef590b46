package restart

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// failing ends with each of the errors in turn, and keeps running after the last error.
type failing struct {
	errs []error
	runs []time.Time
}

func (f *failing) Run(ctx context.Context, emit func(source.Set)) error {
	f.runs = append(f.runs, time.Now())
	emit(source.Set{BrokenFiles: []string{fmt.Sprint("run ", len(f.runs))}})
	if n := len(f.runs); n <= len(f.errs) {
		return f.errs[n-1]
	}
	<-ctx.Done()
	return ctx.Err()
}

func said(set source.Set) string {
	if set.Unavailable != nil {
		return set.Unavailable.Code + ": " + set.Unavailable.Message
	}
	return set.BrokenFiles[0]
}

func TestASourceThatEndsIsStartedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		inner := &failing{errs: []error{errors.New("no inodes"), nil}}
		var sets []string
		ended := make(chan error, 1)
		go func() {
			ended <- New("/specs", inner).Run(ctx, func(set source.Set) { sets = append(sets, said(set)) })
		}()
		time.Sleep(time.Minute)
		synctest.Wait()
		want := []string{
			"run 1", "source_failed: the source has ended: no inodes",
			"run 2", "source_failed: the source has ended: without a reason",
			"run 3",
		}
		if !slices.Equal(sets, want) {
			t.Errorf("got  %q\nwant %q", sets, want)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("it ends with %v", err)
		}
	})
}

func TestThePausesGrowAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &failing{errs: slices.Repeat([]error{errors.New("broken")}, 1000)}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_ = New("/specs", inner).Run(ctx, func(source.Set) {})
		var longest time.Duration
		for i, at := range inner.runs[1:] {
			longest = max(longest, at.Sub(inner.runs[i]))
		}
		if first := inner.runs[1].Sub(inner.runs[0]); first > 2*firstPause || longest < mostPause/2 || longest > 2*mostPause {
			t.Errorf("the first pause is %v, the longest %v", first, longest)
		}
	})
}

// asked waits in Sync for as long as ctx lasts.
type asked struct{ failing }

func (*asked) Sync(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestSyncOfASourceThatIsDown checks whether Sync returns the reason, both before and during the
// pause.
func TestSyncOfASourceThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		inner, end := &asked{failing{errs: []error{errors.New("no inodes")}}}, make(chan struct{})
		s := New("/specs", inner)
		ended := make(chan error, 1)
		go func() {
			ended <- s.Run(ctx, func(set source.Set) {
				if set.Unavailable == nil && len(inner.runs) == 1 {
					<-end // the first run is held
				}
			})
		}()
		synctest.Wait()
		var during error
		answered := make(chan struct{})
		go func() { during = s.Sync(ctx); close(answered) }()
		synctest.Wait()
		close(end)
		<-answered
		for when, err := range map[string]error{"during": during, "after": s.Sync(ctx)} {
			problem := &spec.Error{}
			if !errors.As(err, &problem) || problem.Code != CodeFailed {
				t.Errorf("%s: Sync = %v", when, err)
			}
		}
		cancel()
		<-ended
	})
}
