package module

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/wasm-xds/wasm-xds/internal/transfer"
)

// answers is a server without sockets, because a socket would stop the time in a synctest bubble.
type answers struct {
	list []func(*http.Request) (*http.Response, error)
	at   []time.Time
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.at = append(a.at, time.Now())
	answer := a.list[min(len(a.at), len(a.list))-1]
	response, err := answer(r)
	if response != nil {
		response.Request = r
	}
	return response, err
}

func answer(code int, content string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		response := &http.Response{
			StatusCode: code, Header: make(http.Header),
			Body: io.NopCloser(strings.NewReader(content)), ContentLength: int64(len(content)),
		}
		for i := 0; i < len(header); i += 2 {
			response.Header.Set(header[i], header[i+1])
		}
		return response, nil
	}
}

func (a *answers) pauses() []time.Duration {
	var pauses []time.Duration
	for i := 1; i < len(a.at); i++ {
		pauses = append(pauses, a.at[i].Sub(a.at[i-1]))
	}
	return pauses
}

func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") }
		server := &answers{list: []func(*http.Request) (*http.Response, error){
			answer(502, ""), broken, answer(429, "", "Retry-After", "7"), answer(200, goodWasm),
		}}
		r := &Resolver{Store: newStore(t), HTTP: &http.Client{Transport: server}}
		if _, err := r.Resolve(t.Context(), urlModule("http://host/x")); err != nil {
			t.Fatal(err)
		}
		pauses := server.pauses()
		if len(pauses) != 3 || pauses[0] <= 0 || pauses[1] <= 0 {
			t.Fatalf("pauses %v", pauses)
		}
		if pauses[2] != 7*time.Second {
			t.Errorf("the server asked for 7s, and got %v", pauses[2])
		}
	})
}

func TestRetriesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &answers{list: []func(*http.Request) (*http.Response, error){answer(500, "", "Retry-After", "60")}}
		r := &Resolver{Store: newStore(t), HTTP: &http.Client{Transport: server}}
		_, err := r.Resolve(t.Context(), urlModule("http://host/x"))
		wantError(t, err, CodeDownloadFailed, "host answered 500", "")
		if len(server.at) != maxTries {
			t.Errorf("%d tries", len(server.at))
		}
	})
}

func TestRetriesEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		server := &answers{list: []func(*http.Request) (*http.Response, error){answer(503, "", "Retry-After", "30")}}
		r := &Resolver{Store: newStore(t), HTTP: &http.Client{Transport: server}}
		began := time.Now()
		_, err := r.Resolve(ctx, urlModule("http://host/x"))
		wantError(t, err, CodeDownloadFailed, "deadline exceeded", "")
		if took := time.Since(began); took != time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// trickle returns one byte after each pause, and blocks after its content.
type trickle struct {
	ctx     context.Context
	content string
	pause   time.Duration
}

func (s *trickle) Read(p []byte) (int, error) {
	pause := time.NewTimer(s.pause)
	defer pause.Stop()
	if s.content == "" {
		pause.Stop()
	}
	select {
	case <-pause.C:
		n := copy(p, s.content[:1])
		s.content = s.content[1:]
		return n, nil
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	}
}

func trickling(content string, pause time.Duration) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: 200, Header: make(http.Header), ContentLength: -1,
			Body: io.NopCloser(&trickle{r.Context(), content, pause}),
		}, nil
	}
}

func TestSlowDownload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(r *http.Request) (*http.Response, error) {
			response, err := trickling(goodWasm, 250*time.Millisecond)(r)
			response.Body = io.NopCloser(io.LimitReader(response.Body, int64(len(goodWasm))))
			return response, err
		}
		core, logs := observer.New(zap.InfoLevel)
		r := &Resolver{
			Store: newStore(t), Logger: zap.New(core),
			HTTP: &http.Client{Transport: &answers{list: []func(*http.Request) (*http.Response, error){slow}}},
		}
		if _, err := r.Resolve(t.Context(), urlModule("http://host/x?SECRET")); err != nil {
			t.Fatal(err)
		}
		progress := logs.FilterMessage("downloading module")
		if got, want := progress.Len(), len(goodWasm)/20; got != want {
			t.Errorf("%d log lines, want %d", got, want)
		}
		if url := progress.All()[0].ContextMap()["url"]; url != "http://host/x" {
			t.Errorf("the log names %v", url)
		}
	})
}

func TestStalledDownload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &answers{list: []func(*http.Request) (*http.Response, error){
			trickling(goodWasm[:3], 5*time.Second), answer(200, goodWasm),
		}}
		core, logs := observer.New(zap.WarnLevel)
		r := &Resolver{Store: newStore(t), HTTP: &http.Client{Transport: server}, Logger: zap.New(core)}
		if _, err := r.Resolve(t.Context(), urlModule("http://host/x")); err != nil {
			t.Fatal(err)
		}
		if logs.Len() != 1 || !strings.Contains(logs.All()[0].ContextMap()["error"].(string), transfer.ErrStalled.Error()) {
			t.Errorf("logged %v", logs.All())
		}
		if pause := server.pauses()[0]; pause < 15*time.Second+transfer.StallLimit {
			t.Errorf("given up after %v", pause)
		}
	})
}

// endless never ends and is just fast enough.
type endless struct{ ctx context.Context }

func (e endless) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second / 2):
		return min(len(p), 8<<10), nil
	case <-e.ctx.Done():
		return 0, e.ctx.Err()
	}
}

func TestEndlessDownload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &answers{list: []func(*http.Request) (*http.Response, error){
			func(r *http.Request) (*http.Response, error) {
				return &http.Response{
					StatusCode: 200, Header: make(http.Header), ContentLength: -1, Body: io.NopCloser(endless{r.Context()}),
				}, nil
			},
		}}
		r := &Resolver{Store: newStore(t), HTTP: &http.Client{Transport: server}}
		_, err := r.Resolve(t.Context(), urlModule("http://host/x"))
		wantError(t, err, CodeDownloadFailed, errTryLimit.Error(), "")
	})
}

// TestHostsThatHangHoldUpNobodyElse checks whether downloads from hanging hosts wait and retry,
// while a download from another host begins at once.
func TestHostsThatHangHoldUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		server := byHost(func(r *http.Request) (*http.Response, error) {
			switch kind, _, _ := strings.Cut(r.URL.Host, "."); kind {
			case "hangs":
				<-r.Context().Done()
				return nil, r.Context().Err()
			case "busy":
				return answer(503, "", "Retry-After", "50")(r)
			default:
				return answer(200, goodWasm)(r)
			}
		})
		r := &Resolver{Store: newStore(t), HTTP: &http.Client{Transport: server}}
		var running sync.WaitGroup
		for i := range 20 {
			for _, kind := range []string{"hangs", "busy"} {
				running.Go(func() {
					m := urlModule(fmt.Sprintf("http://%s.%d/x", kind, i%5))
					m.SHA256 = sumOf([]byte(fmt.Sprint(kind, i)))
					_, _ = r.Resolve(ctx, m)
				})
			}
		}
		synctest.Wait()
		began := time.Now()
		if _, err := r.Resolve(ctx, urlModule("http://fine/x")); err != nil || time.Since(began) > 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		cancel()
		running.Wait()
	})
}

type byHost func(*http.Request) (*http.Response, error)

func (f byHost) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
