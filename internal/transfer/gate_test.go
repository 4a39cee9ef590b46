package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"
)

// servers is a transport in which the name of a host decides how the host answers.
type servers struct{}

func (servers) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := http.StatusOK, io.Reader(&paced{ctx: r.Context(), n: 1 << 20, every: 0, bytes: 1 << 20})
	switch kind, _, _ := splitHost(r.URL.Host); kind {
	case "hangs":
		<-r.Context().Done()
		return nil, r.Context().Err()
	case "stalls":
		body = &paced{ctx: r.Context(), n: 1 << 20, every: time.Hour, bytes: 1}
	case "trickles":
		body = &paced{ctx: r.Context(), n: 1 << 20, every: time.Second, bytes: 4 << 10}
	case "slow": // but not too slow
		body = &paced{ctx: r.Context(), n: 768 << 10, every: time.Second, bytes: 16 << 10}
	case "busy":
		status = http.StatusServiceUnavailable
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(body), Request: r}, nil
}

func splitHost(host string) (kind, rest string, ok bool) {
	for i := range host {
		if host[i] == '.' {
			return host[:i], host[i+1:], true
		}
	}
	return host, "", false
}

// paced returns some bytes at a time.
type paced struct {
	ctx   context.Context
	n     int
	every time.Duration
	bytes int
}

func (p *paced) Read(b []byte) (int, error) {
	if p.n <= 0 {
		return 0, io.EOF
	}
	if p.every > 0 {
		select {
		case <-time.After(p.every):
		case <-p.ctx.Done():
			return 0, p.ctx.Err()
		}
	}
	n := min(p.bytes, len(b), p.n)
	p.n -= n
	return n, nil
}

func get(ctx context.Context, g *Gate, host string) (*http.Response, error) {
	request := (&http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: host}}).WithContext(ctx)
	return g.Wrap(servers{}).RoundTrip(request)
}

func fetch(ctx context.Context, g *Gate, host string) error {
	response, err := get(ctx, g, host)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// TestSlowHostsHoldUpNobodyElse checks whether a download from another host begins at once while
// slow hosts occupy all their places.
func TestSlowHostsHoldUpNobodyElse(t *testing.T) {
	for _, kind := range []string{"hangs", "stalls", "trickles"} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var g Gate
				for i := range 40 {
					go func() { _ = fetch(ctx, &g, fmt.Sprintf("%s.%d", kind, i%10)) }()
				}
				synctest.Wait()
				began := time.Now()
				if err := fetch(ctx, &g, "fine"); err != nil || time.Since(began) > 0 {
					t.Errorf("%v after %v", err, time.Since(began))
				}
				cancel()
				synctest.Wait()
				if g.downloads.all != 0 || len(g.downloads.hosts) != 0 || len(g.downloads.waiting) != 0 {
					t.Errorf("places are left: %+v", &g.downloads)
				}
			})
		})
	}
}

func TestAHostThatIsTooSlowLosesItsPlace(t *testing.T) {
	for kind, want := range map[string]error{"stalls": ErrStalled, "trickles": ErrSlow, "slow": nil, "fine": nil} {
		synctest.Test(t, func(t *testing.T) {
			var g Gate
			began := time.Now()
			if err := fetch(t.Context(), &g, kind); !errors.Is(err, want) || time.Since(began) > 2*time.Minute {
				t.Errorf("%s: %v after %v", kind, err, time.Since(began))
			}
			if g.downloads.all != 0 {
				t.Errorf("%s: it holds a place", kind)
			}
		})
	}
}

// TestARefusalHoldsNoPlace: the reader of a refusal may pause before the next read or attempt.
func TestARefusalHoldsNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Gate
		for range 2 * perHost {
			response, err := get(t.Context(), &g, "busy")
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
		}
	})
}

// TestQuestionsHaveTheirOwnPlaces: the look-up of a tag succeeds while its registry sends slowly.
func TestQuestionsHaveTheirOwnPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var g Gate
		for range perHost {
			response, err := get(ctx, &g, "fine")
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close() // nobody reads the body meanwhile
		}
		if err := fetch(Question(ctx), &g, "fine"); err != nil {
			t.Error(err)
		}
		var waits []Wait
		told := WithReport(ctx, func(w Wait) { waits = append(waits, w) })
		ended := make(chan error)
		go func() { ended <- fetch(told, &g, "fine") }()
		synctest.Wait()
		if len(waits) != 1 || waits[0].Why != "4 other downloads from fine are under way" {
			t.Errorf("it waits for %+v", waits)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestWhoCameFirstIsServedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lane
		for range perHost {
			_ = l.enter(t.Context(), "a")
		}
		var order []int
		for i := range 5 {
			go func() {
				_ = l.enter(t.Context(), "a")
				order = append(order, i)
			}()
			synctest.Wait()
		}
		for range 5 {
			l.leave("a")
			synctest.Wait()
		}
		if fmt.Sprint(order) != "[0 1 2 3 4]" {
			t.Errorf("the order is %v", order)
		}
	})
}
