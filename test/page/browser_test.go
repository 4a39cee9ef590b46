// Package page_test tests the web page in a real browser, as a user would.
//
// PAGE_SCREENSHOTS names a directory for pictures of all pages.
package page_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/wasm-xds/wasm-xds/test/browser"
)

// chromium is the browser that all tests share. Each test has tabs of its own.
var chromium = sync.OnceValues(func() (*browser.Browser, error) {
	b, err := browser.Start()
	if err == nil {
		ended = b.Close
	}
	return b, err
})

// ended ends the browser.
var ended = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	ended()
	os.Exit(code)
}

// tab is a tab of the browser with a page of a server.
type tab struct {
	t   *testing.T
	all context.Context // until the test ends
	ctx context.Context // with the time that a test may take
}

// open opens an address in a tab of its own, in a window of the width.
func open(t *testing.T, address string, width int64) tab {
	t.Helper()
	browser, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancelTab := browser.Tab()
	t.Cleanup(cancelTab)
	limited, cancel := context.WithTimeout(ctx, 40*time.Second)
	t.Cleanup(cancel)
	p := tab{t, ctx, limited}
	p.do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(address))
	return p
}

// in is the tab in a sub-test.
func (p tab) in(t *testing.T) tab {
	p.t = t
	return p
}

// serve serves a handler until the test ends.
func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

func (p tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.t.Fatalf("%v; the page: %s", err, p.text())
	}
}

// text is the visible text of the page, for messages.
func (p tab) text() string {
	ctx, cancel := context.WithTimeout(p.all, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText.slice(0, 2000)`))
	if err != nil {
		return err.Error()
	}
	return text
}

// js returns the value of an expression in the page.
func js[T any](p tab, expression string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// wait waits until an expression is true in the page.
func (p tab) wait(expression string) {
	p.t.Helper()
	if _, err := chromedp.Run(p.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(20*time.Second))); err != nil {
		p.t.Fatalf("%s: %v; the page: %s", expression, err, p.text())
	}
}

// waitText waits until an element has a text.
func (p tab) waitText(selector, text string) {
	p.t.Helper()
	p.wait(fmt.Sprintf(`document.querySelector(%q)?.innerText.includes(%q)`, selector, text))
}

// goTo goes to another view of the page.
func (p tab) goTo(fragment string) {
	p.t.Helper()
	js[string](p, fmt.Sprintf(`location.hash = %q`, fragment))
}

// dark has the page see a system with this theme.
func (p tab) dark(dark bool) {
	p.t.Helper()
	value := "light"
	if dark {
		value = "dark"
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}}}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, media); err != nil {
		p.t.Fatal(err)
	}
}

// screenshot saves a picture if PAGE_SCREENSHOTS names a directory.
func (p tab) screenshot(name string) {
	p.t.Helper()
	dir := os.Getenv("PAGE_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	name = strings.ReplaceAll(name, "/", "-") + ".png"
	if err := errors.Join(err, os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, name), picture, 0o600)); err != nil {
		p.t.Fatal(err)
	}
}
