package page_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/token"
)

// Without the server the figures are greyed and show their time, and no action is possible. When
// the server is back, the page shows the present by itself.
func TestServerGoneAndBack(t *testing.T) {
	w := everything()
	server := httptest.NewServer(w.handler(admin.Options{}))
	p := open(t, server.URL+"/#/filters/auth", 1280)
	p.do(chromedp.WaitEnabled("[data-act=pause]"))
	if js[bool](p, `document.querySelector("#content").classList.contains("stale")`) {
		t.Error("the figures are stale although the server is there")
	}
	at := server.Listener.Addr().String()
	server.CloseClientConnections()
	server.Listener.Close()
	p.waitText("#banners", "The server does not answer. What you see is as of ")
	p.do(chromedp.WaitVisible("#link.lost"))
	if !js[bool](p, `document.querySelector("#content").classList.contains("stale") && document.querySelector("[data-act=pause]").disabled && document.querySelector("[data-act=freeze]").disabled`) {
		t.Error("the figures look as if they were of now")
	}
	p.screenshot("gone")
	// The figures do not age: an hour later the same is left of the soak.
	js[bool](p, `window.real = Date.now, Date.now = () => window.real() + 3600_000, document.querySelector("#theme").click(), true`)
	p.wait(`document.documentElement.dataset.theme === "light"`)
	p.wait(`document.querySelector("#theme").title === "Theme: light"`) // drawn again
	if text := js[string](p, `document.querySelector("#rollout").innerText`); !strings.Contains(text, "for another 1") {
		t.Errorf("the rollout says %q", text)
	}
	js[bool](p, `Date.now = window.real, true`)

	w.locked(func() {
		live := filter("auth", subscriber("edge-1", api.SubscriberLive, newer))
		live.Revision = newer
		w.filters[0] = live
	})
	ln, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	back := &httptest.Server{Listener: ln, Config: &http.Server{Handler: w.handler(admin.Options{})}}
	back.Start()
	t.Cleanup(func() {
		back.CloseClientConnections()
		back.Close()
	})
	p.do(chromedp.WaitVisible("#link.up"), chromedp.WaitNotPresent("#rollout"), chromedp.WaitNotPresent(".banner"))
	p.waitText(".head", "serves "+newer)
	if js[bool](p, `document.querySelector("#content").classList.contains("stale")`) {
		t.Error("the figures are still stale")
	}
}

// A change shows without a reload, and neither the focus nor an open part is lost.
func TestLive(t *testing.T) {
	w := everything()
	server := serve(t, w.handler(admin.Options{}))
	p := open(t, server.URL+"/#/filters/auth", 1280)
	p.do(chromedp.WaitReady("[data-revision='"+before+"'] details"), chromedp.Click("[data-revision='"+before+"'] summary"), chromedp.Focus("[data-act=abort]"))
	w.change(func() {
		w.filters[0].RolloutStatus.Waves[1].State = api.WavePassed
		w.filters[0].RolloutStatus.Waves[2].State = api.WaveProgressing
		w.filters[0].RolloutStatus.Waves[2].Live = 6
		w.filters[0].RolloutStatus.Wave, w.filters[0].RolloutStatus.State = 2, api.RolloutProgressing
	}, api.Event{Type: api.EventFilter, Name: "auth", State: "active", Revision: before, Candidate: newer})
	p.waitText("#rollout", "6 / 10")
	p.waitText("#rollout .wave[aria-current]", "all Envoys")
	if !js[bool](p, `document.querySelector("[data-revision='`+before+`'] details").open && document.activeElement.dataset.act === "abort"`) {
		t.Error("the change closed a part or moved the focus")
	}
	p.waitText("#lately", "auth is active")
	// During a soak the server tells of the filter each second.
	for range 3 {
		w.hub.Publish(api.Event{Type: api.EventFilter, Name: "auth", State: "active", Revision: before, Candidate: newer})
	}
	w.hub.Publish(api.Event{Type: api.EventWavePassed, Name: "auth", Candidate: newer, Message: "the wave 30% of auth has passed"})
	p.goTo("#/events")
	p.waitText("#content ol", "rolls out "+newer)
	p.waitText("#content ol", "the wave 30% of auth has passed")
	if n := js[int](p, `document.querySelectorAll("#content ol li").length`); n != 2 {
		t.Errorf("%d events are listed", n)
	}
	p.screenshot("events-some")
}

// The page asks for the token of a server that wants one, and asks again after a wrong one. The
// token lasts as long as the tab.
func TestToken(t *testing.T) {
	set, err := token.Parse("tokens", []byte("read 0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	w := everything()
	server := serve(t, w.handler(admin.Options{Tokens: set}))
	p := open(t, server.URL, 1280)
	p.do(chromedp.WaitVisible("#login"), chromedp.SendKeys("#token", "wrong-token\r"))
	p.waitText("#login", "does not know this token")
	if n := js[int](p, `document.querySelectorAll("[data-filter]").length`); n != 0 {
		t.Errorf("%d filters are shown without a token", n)
	}
	p.screenshot("token")
	p.do(chromedp.SendKeys("#token", "0123456789abcdef\r"), chromedp.WaitVisible("#link.up"), chromedp.WaitReady("[data-filter=auth]"), chromedp.WaitNotPresent("#login"),
		chromedp.Reload(), chromedp.WaitVisible("#link.up"), chromedp.WaitReady("[data-filter=auth]"))
	// A token that may only read changes nothing.
	p.goTo("#/filters/waf")
	p.do(chromedp.WaitEnabled("[data-act=retry]"), chromedp.Click("[data-act=retry]"), chromedp.WaitVisible("dialog[open]"), chromedp.Click("dialog [data-confirm=retry]"))
	p.waitText("dialog [role=alert]", "may only read")
}
