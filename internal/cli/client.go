package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

const (
	answerTimeout = 10 * time.Second
	// maxAnswer bounds the memory for an answer of the server.
	maxAnswer = 256 << 20
	// settleEvents is how long events are gathered, so that a burst is shown once.
	settleEvents = 50 * time.Millisecond
)

// errSettled ends onChange.
var errSettled = errors.New("settled")

// client asks a running server's admin API.
type client struct{ address string }

// adminAddressFlag adds the flag with the server's address.
func adminAddressFlag(c *cobra.Command) *string {
	return c.Flags().String("admin-address", defaultAdminAddress, "`host:port` of the running server")
}

func serverAt(c *cobra.Command, address string) (client, error) {
	if err := checkAddress(address); err != nil {
		return client{}, usage(c, fmt.Sprintf("invalid --admin-address %q: %s", address, err))
	}
	return client{address: address}, nil
}

// view asks for a filter, or with "" for all filters and the source.
func (c client) view(ctx context.Context, name string) (*view, error) {
	v := &view{one: name != ""}
	if v.one {
		v.filters = make([]api.Filter, 1)
		err := c.get(ctx, filterPath(name), &v.filters[0])
		v.summarize()
		return v, err
	}
	if err := c.get(ctx, "filters", &v.filters); err != nil {
		return nil, err
	}
	v.summarize()
	if err := c.get(ctx, "source", &v.source); err != nil {
		return nil, err
	}
	if err := c.getIfThere(ctx, "visitors", &v.visitors); err != nil {
		return nil, err
	}
	return v, c.getIfThere(ctx, "limits", &v.limits)
}

// getIfThere leaves into unchanged if the server's version is older and lacks the path.
func (c client) getIfThere(ctx context.Context, path string, into any) error {
	err := c.get(ctx, path, into)
	if e := (*api.Error)(nil); errors.As(err, &e) && e.Code == "not_found" {
		return nil
	}
	return err
}

// summarize fills the fields that a server of an earlier version leaves out.
func (v *view) summarize() {
	for i := range v.filters {
		if f := &v.filters[i]; f.Condition == "" {
			f.Summarize()
		}
	}
}

// filterPath is a filter's path in the API.
func filterPath(name string) string { return "filters/" + url.PathEscape(name) }

func (c client) get(ctx context.Context, path string, into any) error {
	return c.exchange(ctx, http.MethodGet, path, nil, into)
}

// post sends body as JSON.
func (c client) post(ctx context.Context, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.exchange(ctx, http.MethodPost, path, bytes.NewReader(text), into)
}

func (c client) exchange(ctx context.Context, method, path string, body io.Reader, into any) error {
	return c.exchangeWithin(ctx, answerTimeout, method, path, body, into)
}

func (c client) exchangeWithin(ctx context.Context, limit time.Duration, method, path string, body io.Reader, into any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	answer, err := c.ask(ctx, method, path, body)
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

// ask returns a response with status 200, or an error.
func (c client) ask(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+c.dialAddress()+"/api/v1/"+path, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	// No proxy: the server is local, or at the flag's address.
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return nil, failure("no_server", fmt.Sprintf("no wasm-xds answers at %s: %s", c.address, shortReason(err)),
			c.whereItMayBe())
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer answer.Body.Close()
	var problem struct {
		Error *api.Error `json:"error"`
	}
	err = json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&problem)
	if err != nil || problem.Error == nil {
		return nil, failure("bad_answer", "the server at "+c.address+" answered "+answer.Status, "is it a wasm-xds?")
	}
	return nil, problem.Error
}

// whereItMayBe is a hint for a server that does not answer.
func (c client) whereItMayBe() string {
	host, _, _ := net.SplitHostPort(c.dialAddress())
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.IsLoopback() {
		return "start one with `wasm-xds serve`, or name its address with --admin-address"
	}
	return "it answers on its own machine only, unless it was started with an --admin-address that is reached from here: run this command there"
}

// dialAddress is the address for a client of a server that listens on every address.
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

// shortReason leaves out the parts that the message around the reason has already: the path, the
// address and the system call.
func shortReason(err error) string {
	if number := syscall.Errno(0); errors.As(err, &number) {
		return number.Error()
	}
	return err.Error()
}

// onChange calls show once connected and after each burst of events, until ctx ends, show fails,
// or the connection to the server ends.
func (c client) onChange(ctx context.Context, show func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answer, err := c.ask(ctx, http.MethodGet, "events", nil) //nolint:bodyclose // it is closed below; the linter loses sight of it in the goroutine
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
