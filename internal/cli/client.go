package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/admin"
)

const (
	answerTimeout = 10 * time.Second
	// maxAnswer bounds what a server may make this program hold.
	maxAnswer = 256 << 20
	// settleEvents is how long events are gathered, so that a burst is shown once.
	settleEvents = 50 * time.Millisecond
)

// errSettled ends onChange.
var errSettled = errors.New("settled")

// client asks a running server's admin API.
type client struct{ address string }

// view asks for one filter, or for all and the source when name is "".
func (c client) view(ctx context.Context, name string) (*view, error) {
	v := &view{one: name != ""}
	if v.one {
		v.filters = make([]admin.Filter, 1)
		return v, c.get(ctx, "filters/"+escape(name), &v.filters[0])
	}
	if err := c.get(ctx, "filters", &v.filters); err != nil {
		return nil, err
	}
	return v, c.get(ctx, "source", &v.source)
}

// escape keeps a name's slashes.
func escape(name string) string {
	return (&url.URL{Path: name}).EscapedPath()
}

func (c client) get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	answer, err := c.ask(ctx, path)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(into); err != nil {
		return failure("bad_answer", "the server at "+c.address+" answered something else than JSON: "+err.Error(),
			"is it a wasm-xds, and of this version?")
	}
	return nil
}

// ask returns an answer of 200, or an error.
func (c client) ask(ctx context.Context, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.dialAddress()+"/api/v1/"+path, nil)
	if err != nil {
		return nil, err
	}
	// No proxy: the server is here, or where the flag says.
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return nil, failure("no_server", fmt.Sprintf("no wasm-xds answers at %s: %s", c.address, shortReason(err)),
			"start one with `wasm-xds serve`, or name its address with --admin-address")
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer answer.Body.Close()
	var body struct {
		Error *admin.Error `json:"error"`
	}
	err = json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&body)
	if err != nil || body.Error == nil {
		return nil, failure("bad_answer", "the server at "+c.address+" answered "+answer.Status, "is it a wasm-xds?")
	}
	return nil, body.Error
}

// dialAddress is where a server that listens on every address is reached.
func (c client) dialAddress() string {
	host, port, err := net.SplitHostPort(c.address)
	if err != nil {
		return c.address
	}
	switch host {
	case "0.0.0.0", "::":
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// shortReason leaves out what the message around it says already: the path, the
// address, the system call.
func shortReason(err error) string {
	if number := syscall.Errno(0); errors.As(err, &number) {
		return number.Error()
	}
	return err.Error()
}

// onChange calls show once connected and after each burst of events, until ctx
// ends, show fails or the server goes.
func (c client) onChange(ctx context.Context, show func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answer, err := c.ask(ctx, "events") //nolint:bodyclose // it is closed below; the linter loses sight of it in the goroutine
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	changed := make(chan struct{}, 1)
	go func() {
		defer close(changed)
		lines := bufio.NewScanner(answer.Body)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "event:") {
				select {
				case changed <- struct{}{}:
				default:
				}
			}
		}
	}()
	defer func() {
		cancel()
		for range changed { // until the goroutine has ended
		}
	}()
	for {
		if err := show(); err != nil {
			return err
		}
		if _, open := <-changed; !open {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return failure("server_gone", "the server at "+c.address+" has ended", "")
		}
		select {
		case <-time.After(settleEvents):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
