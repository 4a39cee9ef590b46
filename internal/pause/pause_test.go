package pause_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/wasm-xds/wasm-xds/internal/pause"
)

func TestAfter(t *testing.T) {
	p := pause.Policy{First: 15 * time.Second, Most: 5 * time.Minute}
	for failures, want := range map[int]time.Duration{
		1: 15 * time.Second, 2: 30 * time.Second, 3: time.Minute, 4: 2 * time.Minute, 5: 4 * time.Minute,
		6: 5 * time.Minute, 7: 5 * time.Minute, 1_000_000_000: 5 * time.Minute,
		0: 15 * time.Second, -1: 15 * time.Second, // counts below 1 mean the first failure
	} {
		if got := p.After(failures); got != want {
			t.Errorf("after %d failures: %v, want %v", failures, got, want)
		}
	}
}

func TestScheduleIsWhatAfterSays(t *testing.T) {
	p := pause.Policy{First: 2 * time.Millisecond, Most: 50 * time.Millisecond}
	schedule := p.Schedule()
	for failures := range 10 {
		if got, want := schedule.NextBackOff(), p.After(failures+1); got != want {
			t.Errorf("pause %d of the schedule is %v, want %v", failures+1, got, want)
		}
	}
	schedule.Reset()
	if got := schedule.NextBackOff(); got != p.First {
		t.Errorf("after a reset: %v, want %v", got, p.First)
	}
}

func TestJitter(t *testing.T) {
	p := pause.Policy{First: 100 * time.Millisecond, Most: time.Second, Jitter: 0.5}
	seen := map[time.Duration]bool{}
	for range 200 {
		got := p.After(2)
		if got < 100*time.Millisecond || got > 300*time.Millisecond+1 {
			t.Fatalf("%v is not within half of 200ms", got)
		}
		seen[got] = true
	}
	if len(seen) < 2 {
		t.Error("all pauses are alike")
	}
}

// TestRetry uses the schedule with backoff.Retry.
func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, tries := time.Now(), 0
		_, err := backoff.Retry(t.Context(), func() (int, error) {
			if tries++; tries < 4 {
				return 0, errors.New("not yet")
			}
			return tries, nil
		}, backoff.WithBackOff(pause.Policy{First: time.Second, Most: 2 * time.Second}.Schedule()))
		if took := time.Since(begun); err != nil || took != 5*time.Second {
			t.Errorf("%v after %v, want success after 1 s + 2 s + 2 s", err, took)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "1e9": 0, "99999999999999999999": 0,
		"Wed, 02 Jan 2030 03:05:05 GMT": time.Minute, "Wed, 02 Jan 2030 03:04:04 GMT": 0,
	} {
		if got := pause.RetryAfter(value, now); got != want {
			t.Errorf("%q is %v, want %v", value, got, want)
		}
	}
}
