// Package page_test tests the web page in a real browser, as a user would.
package page_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/events"
	"github.com/wasm-xds/wasm-xds/internal/token"
)

// world is a made-up server state. Parts not used by the page are missing.
type world struct {
	admin.State
	filters []api.Filter
	source  api.Source
	hub     events.Hub
}

func (w *world) Filters() []api.Filter { return w.filters }
func (w *world) Nodes() []api.Node     { return nil }
func (w *world) Source() api.Source    { return w.source }

func (w *world) Snapshot() api.Snapshot {
	return api.Snapshot{Version: "0123456789abcdef", Filters: map[string]string{}}
}

func (w *world) Subscribe(lastEventID string) events.Subscription {
	return w.hub.Subscribe(lastEventID)
}

// browser starts Chromium and opens the page of a world in a window of the width.
func browser(t *testing.T, w *world, width int64) (page context.Context, server *httptest.Server) {
	t.Helper()
	for i := range w.filters {
		w.filters[i].Summarize()
	}
	server = httptest.NewServer(admin.Handler(w, admin.Options{}))
	t.Cleanup(server.Close)
	page = open(t, server, width)
	do(t, page, chromedp.WaitVisible("#link.up"), chromedp.WaitReady("#filters article"))
	return page, server
}

// open starts Chromium and opens the page of a server in a window of the width.
func open(t *testing.T, server *httptest.Server, width int64) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-component-update", true))
	allocated, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancelAllocator)
	page, cancelPage := chromedp.NewContext(allocated)
	t.Cleanup(cancelPage)
	do(t, page, chromedp.Navigate("about:blank")) // the browser lives as long as the first context
	limited, cancel := context.WithTimeout(page, time.Minute)
	t.Cleanup(cancel)
	do(t, limited, chromedp.EmulateViewport(width, 800), chromedp.Navigate(server.URL))
	return limited
}

// The page asks for the token of a server that wants one, and asks again after a wrong one. The
// token lasts as long as the tab.
func TestToken(t *testing.T) {
	set, err := token.Parse("tokens", []byte("read 0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{filters: []api.Filter{filter("auth", subscriber("edge-1", api.SubscriberLive, before))}}
	w.filters[0].Summarize()
	server := httptest.NewServer(admin.Handler(w, admin.Options{Tokens: set}))
	t.Cleanup(server.Close)
	page := open(t, server, 1280)
	do(t, page, chromedp.WaitVisible("#login"), chromedp.SendKeys("#token", "wrong-token\r"), chromedp.WaitVisible("#login"))
	if n := js[int](t, page, `document.querySelectorAll("#filters article").length`); n != 0 {
		t.Errorf("%d filters are shown without a token", n)
	}
	screenshot(t, page, "token")
	do(t, page, chromedp.SendKeys("#token", "0123456789abcdef\r"), chromedp.WaitVisible("#link.up"), chromedp.WaitReady("[data-filter=auth]"),
		chromedp.Reload(), chromedp.WaitVisible("#link.up"), chromedp.WaitReady("[data-filter=auth]"))
	wantNothingHiddenShown(t, page)
}

// A server without tokens asks for none. An element with the attribute hidden is visible all the
// same if a style sets its display.
func TestNoTokenIsWanted(t *testing.T) {
	w := &world{filters: []api.Filter{filter("auth", subscriber("edge-1", api.SubscriberLive, before))}}
	w.filters[0].Summarize()
	server := httptest.NewServer(admin.Handler(w, admin.Options{}))
	t.Cleanup(server.Close)
	page := open(t, server, 1280)
	do(t, page, chromedp.WaitVisible("#link.up"), chromedp.WaitReady("[data-filter=auth]"))
	wantNothingHiddenShown(t, page)
	if shown := js[bool](t, page, `document.querySelector("#login").checkVisibility()`); shown {
		t.Error("the page asks for a token")
	}
}

func wantNothingHiddenShown(t *testing.T, page context.Context) {
	t.Helper()
	if n := js[int](t, page, `[...document.querySelectorAll("[hidden]")].filter(e => e.checkVisibility()).length`); n != 0 {
		t.Errorf("%d hidden elements are shown", n)
	}
	if hidden := js[bool](t, page, `document.querySelector("#login").hidden`); !hidden {
		t.Error("the page asks for a token")
	}
}

// chromium returns the path of the browser; .ci/run installs a missing browser.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("there is no Chromium: install it (Debian: apt-get install chromium)")
	return ""
}

func do(t *testing.T, page context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(page, actions...); err != nil {
		t.Fatal(err)
	}
}

// js returns the value of an expression in the page.
func js[T any](t *testing.T, page context.Context, expression string) T {
	t.Helper()
	value, err := chromedp.Run(page, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// screenshot saves a picture if PAGE_SCREENSHOTS names a directory.
func screenshot(t *testing.T, page context.Context, name string) {
	t.Helper()
	dir := os.Getenv("PAGE_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(page, chromedp.FullScreenshot(100))
	if err := errors.Join(err, os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600)); err != nil {
		t.Fatal(err)
	}
}

const (
	before = "5f83dc06bbf6"
	newer  = "1704ad09aaaa"
)

func subscriber(node string, state api.SubscriberState, revision string) api.Subscriber {
	return api.Subscriber{
		Node: node, Cluster: "edge", Address: "10.0.0." + node[len(node)-1:] + ":41822", Envoy: "1.40.0", State: state,
		Revision: revision, Variant: "remote", Since: time.Now().Add(-3 * time.Hour),
	}
}

func filter(name string, subscribers ...api.Subscriber) api.Filter {
	return api.Filter{
		Name: name, Type: "http", State: api.FilterActive, Revision: before, Stable: before, Delivery: "remote",
		Module: api.Module{SHA256: strings.Repeat("ab", 32), Size: 86154}, OnRemove: "keep",
		SpecFile: "/etc/wasm-xds/filters/" + name + ".yaml", Subscribers: subscribers,
	}
}

func broken(name string) *api.Error {
	return &api.Error{
		Code: "unknown_field", Message: `unknown field "confg"`, Hint: `did you mean "config"?`,
		File: "/etc/wasm-xds/filters/" + name + ".yaml", Line: 8, Column: 1,
	}
}

// A rollout's bar counts only the Envoys that run the candidate.
func TestBarOfARollout(t *testing.T) {
	f := filter("auth", subscriber("edge-1", api.SubscriberLive, newer), subscriber("edge-2", api.SubscriberLive, before),
		subscriber("edge-3", api.SubscriberLive, before))
	f.Candidate = newer
	page, _ := browser(t, &world{filters: []api.Filter{f}}, 1280)
	if got := js[string](t, page, `document.querySelector("[data-filter=auth] summary").textContent`); got != "1 of 3 Envoys run "+newer {
		t.Errorf("%q", got)
	}
	if got := js[float64](t, page, `document.querySelector("[data-filter=auth] progress").value`); got != 1 {
		t.Errorf("the bar is at %v of 3", got)
	}
	screenshot(t, page, "rollout")
}

// An error is shown once and never beside an "ok". Failing filters come first.
func TestAttentionFirst(t *testing.T) {
	failing := filter("zeta", subscriber("edge-1", api.SubscriberLive, before))
	failing.Error = broken("zeta")
	left := filter("left", subscriber("edge-1", api.SubscriberGone, before))
	w := &world{
		filters: []api.Filter{filter("alpha", subscriber("edge-1", api.SubscriberLive, before)), left, failing},
		source:  api.Source{Directory: "/etc/wasm-xds/filters", State: api.SourceOK, Errors: []*api.Error{broken("zeta"), broken("another")}},
	}
	page, _ := browser(t, w, 1280)
	order := js[[]string](t, page, `[...document.querySelectorAll("[data-filter]")].map((e) => e.dataset.filter)`)
	if want := "[zeta left alpha]"; fmt.Sprint(order) != want {
		t.Errorf("the order is %v, want %s", order, want)
	}
	if n := js[int](t, page, `document.body.innerText.split("filters/zeta.yaml:8:1").length - 1`); n != 1 {
		t.Errorf("the error stands %d times", n)
	}
	if text := js[string](t, page, `document.querySelector("#problems .row").innerText`); strings.Contains(text, "ok") || !strings.Contains(text, "1 problem") {
		t.Errorf("the specs are %q", text)
	}
	for name, want := range map[string]string{"zeta": "badge bad", "left": "badge warn", "alpha": "badge good"} {
		if got := js[string](t, page, `document.querySelector("[data-filter=`+name+`] .badge").className`); got != want {
			t.Errorf("%s has a %q, want %q", name, got, want)
		}
	}
	screenshot(t, page, "attention")
}

// Revisions and times do not wrap, and nothing is wider than the window.
func TestNothingBreaks(t *testing.T) {
	var errs []*api.Error
	for i := range 12 {
		errs = append(errs, broken(fmt.Sprintf("a-rather-long-name-%d", i)))
	}
	f := filter("auth", subscriber("edge-1", api.SubscriberLive, before), subscriber("edge-2", api.SubscriberFetching, before))
	f.Candidate = newer
	w := &world{filters: []api.Filter{f}, source: api.Source{Directory: "/etc/wasm-xds/filters", State: api.SourceOK, Errors: errs}}
	for _, width := range []int64{1280, 360} {
		page, _ := browser(t, w, width)
		if wide := js[int64](t, page, `document.documentElement.scrollWidth`); wide > width {
			t.Errorf("at %d px the page is %d px wide", width, wide)
		}
		split := js[[]string](t, page, `[...document.querySelectorAll(".whole code, .whole.mono, td[data-label=since]")]
			.filter((e) => { const r = document.createRange(); r.selectNodeContents(e); return new Set([...r.getClientRects()].map((c) => Math.round(c.top / 4))).size > 1; })
			.map((e) => e.textContent)`)
		if len(split) > 0 && width == 1280 {
			t.Errorf("at %d px these break: %q", width, split)
		}
		if high := js[float64](t, page, `document.querySelector("#problems").getBoundingClientRect().height`); width == 360 && high > 400 {
			t.Errorf("at %d px the problems take %v px of 800", width, high)
		}
		screenshot(t, page, fmt.Sprintf("width-%d", width))
	}
}

// Without the server the figures are greyed and show their time.
func TestStaleFigures(t *testing.T) {
	page, server := browser(t, &world{filters: []api.Filter{filter("auth", subscriber("edge-1", api.SubscriberLive, before))}}, 1280)
	if js[bool](t, page, `document.querySelector("#filters").classList.contains("stale")`) {
		t.Error("the figures are stale although the server is there")
	}
	server.CloseClientConnections()
	server.Listener.Close()
	do(t, page, chromedp.WaitVisible("#link:not(.up)"))
	if text := js[string](t, page, `document.querySelector("#link").textContent`); !strings.Contains(text, "connection lost") || !strings.Contains(text, "as of ") {
		t.Errorf("%q", text)
	}
	if !js[bool](t, page, `document.querySelector("#filters").classList.contains("stale") && document.querySelector("#totals").classList.contains("stale")`) {
		t.Error("the figures look as if they were of now")
	}
	screenshot(t, page, "stale")
}
