package ending

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestNothingBeginsAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		release, done := make(chan struct{}), false
		g.Go(func() { <-release; done = true })
		ended := make(chan struct{})
		go func() { g.End(); close(ended) }()
		synctest.Wait()
		select {
		case <-ended:
			t.Fatal("what has begun was not waited for")
		default:
		}
		g.Go(func() { t.Error("something began after the end") })
		answer := httptest.NewRecorder()
		g.Handler(http.NotFoundHandler()).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
		if answer.Code != http.StatusServiceUnavailable {
			t.Errorf("a request got %d", answer.Code)
		}
		close(release)
		<-ended
		if !done {
			t.Error("what has begun was not waited for")
		}
	})
}

func TestTheEndIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var parts Parts
		stalled := make(chan struct{})
		began := time.Now()
		cancel()
		err := Within(ctx, 10*time.Second, &parts, func(context.Context) error {
			parts.Begin("the API")()
			defer parts.Begin("the state that is written")()
			<-stalled
			return nil
		})
		if took := time.Since(began); !errors.Is(err, ErrLate) || took != 10*time.Second {
			t.Errorf("%v after %v", err, took)
		}
		if want := "the end took too long: after 10s it still waits for the state that is written"; err.Error() != want {
			t.Errorf("got  %s\nwant %s", err, want)
		}
		close(stalled)
		synctest.Wait()
		if left := parts.Left(); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	})
}

func TestAnEndInTimeIsNoError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	failed := errors.New("failed")
	for name, run := range map[string]func(context.Context) error{
		"before": func(context.Context) error { return failed },
		"after":  func(ctx context.Context) error { cancel(); <-ctx.Done(); return failed },
	} {
		if err := Within(ctx, time.Hour, &Parts{}, run); !errors.Is(err, failed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
