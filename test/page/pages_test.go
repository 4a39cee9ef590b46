package page_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/wasm-xds/wasm-xds/internal/admin"
)

// pages are all pages of everything, with an element that shows the page is there.
var pages = []struct{ name, fragment, element string }{
	{"filters", "#/", "[data-filter=auth]"},
	{"filter", "#/filters/auth", "[data-chart=p99]"},
	{"filter-refused", "#/filters/waf", ".problems .note"},
	{"filter-removed", "#/filters/old-cors", "#actions"},
	{"filter-missing", "#/filters/none", ".note"},
	{"envoys", "#/envoys", "table tbody tr"},
	{"envoy", "#/envoys/edge-1", "table tbody tr"},
	{"events", "#/events", "h1"},
	{"server", "#/server", "table tbody tr"},
	{"missing", "#/nonsense", "h1"},
}

// Each page fits the window, in both themes.
func TestPages(t *testing.T) {
	w := everything()
	server := serve(t, w.handler(admin.Options{}))
	for _, width := range []int64{1280, 360} {
		p := open(t, server.URL, width)
		p.do(chromedp.WaitVisible("#link.up"))
		for _, one := range pages {
			p.goTo(one.fragment)
			p.do(chromedp.WaitReady(one.element))
			for _, theme := range []string{"light", "dark"} {
				p.dark(theme == "dark")
				if wide := js[int64](p, `document.documentElement.scrollWidth`); wide > width {
					t.Errorf("%s at %d px is %d px wide", one.name, width, wide)
				}
				p.screenshot(fmt.Sprintf("%s-%d-%s", one.name, width, theme))
			}
		}
	}
}
