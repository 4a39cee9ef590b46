package page_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/api"
)

// actions are all actions of the page.
var actions = []struct {
	fragment, act string
	fill          func(tab)          // fills the dialog's fields; nil: leaves them
	says          string             // a part of the dialog's text
	command       string             // of the command line
	request       string             // sent to the server
	during        func(world *world) // changes the world before the page opens
}{
	{fragment: "#/filters/auth", act: "promote", says: "goes to the 7 Envoys that do not run it yet", command: "rollout promote auth", request: "POST filters/auth/rollout/promote {}"},
	{fragment: "#/filters/auth", act: "pause", says: "No further Envoy gets revision " + newer, command: "rollout pause auth", request: "POST filters/auth/rollout/pause {}"},
	{fragment: "#/filters/auth", act: "abort", says: "go back to " + before, command: "rollout abort auth", request: "POST filters/auth/rollout/abort {}"},
	{fragment: "#/filters/tracing", act: "resume", says: "goes on with the next wave", command: "rollout resume tracing", request: "POST filters/tracing/rollout/resume {}"},
	{fragment: "#/filters/waf", act: "retry", says: "tried again like a new one", command: "retry waf", request: "POST filters/waf/retry {}"},
	{
		fragment: "#/filters/auth", act: "rollback", says: "until the content of the spec changes", command: "rollback auth 000000abc003",
		fill: func(p tab) {
			p.do(chromedp.SetValue("#field-revision", "000000abc003"))
			js[bool](p, `document.querySelector("#field-revision").dispatchEvent(new Event("change"))`)
		},
		request: `POST filters/auth/rollback {"revision":"000000abc003"}`,
	},
	{
		fragment: "#/filters/waf", act: "rollback", says: "until somebody unpins the filter", command: "rollback waf 000000abc000 --pin",
		fill:    func(p tab) { p.do(chromedp.Click("#field-pin")) },
		request: `POST filters/waf/rollback {"revision":"000000abc000","pin":true}`,
	},
	{fragment: "#/filters/limits", act: "unpin", says: "rolls out to 2 Envoys", command: "unpin limits", request: "POST filters/limits/unpin {}"},
	{fragment: "#/filters/old-cors", act: "forget", says: "dropped for good", command: "forget old-cors", request: "POST filters/old-cors/forget {}"},
	{
		fragment: "#/", act: "freeze", says: "Rollbacks, and what goes back by itself, still pass", command: "freeze on --reason 'a sale'",
		fill: func(p tab) { p.do(chromedp.SendKeys("#field-reason", "a sale")) }, request: `POST freeze {"reason":"a sale"}`,
	},
	{
		fragment: "#/", act: "freeze-off", says: "go on from where they are", command: "freeze off", request: "DELETE freeze {}",
		during: func(w *world) { w.freeze = api.Freeze{Frozen: true, By: "deploy", At: ago(minute), Reason: "a sale"} },
	},
}

// Each action asks first, describes the effect, has a command line, and sends a single request.
func TestActions(t *testing.T) {
	w := everything()
	server := serve(t, w.handler(admin.Options{}))
	p := open(t, server.URL, 1280)
	p.do(chromedp.WaitVisible("#link.up"))
	for _, one := range actions {
		t.Run(one.act+" "+strings.TrimPrefix(one.fragment, "#/"), func(t *testing.T) {
			p := p.in(t)
			w.change(func() {
				w.requests = nil
				if one.during != nil {
					one.during(w)
				}
			}, api.Event{Type: api.EventSource})
			p.goTo(one.fragment)
			button := fmt.Sprintf(`[data-act=%q]`, one.act)
			p.do(chromedp.WaitEnabled(button), chromedp.Click(button), chromedp.WaitVisible("dialog[open]"))
			if one.fill != nil {
				one.fill(p)
			}
			p.waitText("dialog", one.says)
			command := js[string](p, `document.querySelector("dialog .command code").textContent`)
			if want := "wasm-xds " + one.command + " --admin-address "; !strings.HasPrefix(command, want) {
				t.Errorf("the command is %q, want %q", command, want)
			}
			p.screenshot("action-" + one.act)
			if len(w.changes()) != 0 {
				t.Errorf("before the confirmation the page has sent %q", w.changes())
			}
			p.do(chromedp.Click("dialog button[type=submit]"), chromedp.WaitNotPresent("dialog"), chromedp.WaitVisible(".toast"))
			if got := w.changes(); !slices.Equal(got, []string{one.request}) {
				t.Errorf("the page has sent %q, want %q", got, one.request)
			}
		})
	}
}

// A promotion ends the pause of a spec, and the server refuses to resume its rollout.
func TestPauseOfTheSpec(t *testing.T) {
	w := everything()
	for i := range w.filters {
		if r := w.filters[i].RolloutStatus; w.filters[i].Name == "tracing" {
			r.Paused = &api.RolloutHold{By: "spec", At: ago(minute), Reason: "`pause: true` in the spec"}
		}
	}
	server := serve(t, w.handler(admin.Options{}))
	p := open(t, server.URL+"/#/filters/tracing", 1280)
	p.do(chromedp.WaitReady("[data-act=promote]"), chromedp.WaitNotPresent("[data-act=resume]"))
	p.waitText("#rollout .story", "Waits for a promotion after")
}

// An action that the server refuses stays open, with the server's words. Cancel and Escape send
// nothing, and the focus goes back to the button.
func TestRefusedAction(t *testing.T) {
	w := everything()
	w.refuse = &api.Error{Code: "nothing_to_retry", Message: "no revision of waf was refused", Hint: "wait for its rollout"}
	server := serve(t, w.handler(admin.Options{}))
	p := open(t, server.URL+"/#/filters/waf", 1280)
	p.do(chromedp.WaitEnabled("[data-act=retry]"), chromedp.Click("[data-act=retry]"), chromedp.WaitVisible("dialog[open]"), chromedp.Click("dialog [data-confirm=retry]"))
	p.waitText("dialog [role=alert]", "no revision of waf was refused")
	p.waitText("dialog [role=alert]", "wait for its rollout")
	p.screenshot("action-refused")
	sent := len(w.changes())
	p.do(chromedp.KeyEvent(kb.Escape), chromedp.WaitNotPresent("dialog"))
	p.wait(`document.activeElement.dataset.act === "retry"`)
	p.do(chromedp.Click("[data-act=rollback]"), chromedp.WaitVisible("dialog[open]"), chromedp.Click("dialog .buttons button[type=button]"), chromedp.WaitNotPresent("dialog"))
	if n := len(w.changes()); n != sent {
		t.Errorf("a canceled action was sent: %q", w.changes())
	}
}

// The whole way of a promotion works with the keyboard alone.
func TestKeyboard(t *testing.T) {
	w := everything()
	server := serve(t, w.handler(admin.Options{}))
	p := open(t, server.URL, 1280)
	p.do(chromedp.WaitReady("[data-filter=auth]"))

	press := func(keys string) { p.do(chromedp.KeyEvent(keys)) }
	// tabTo presses the tabulator until the focus is on an element.
	tabTo := func(selector string) {
		t.Helper()
		for range 80 {
			press(kb.Tab)
			if js[bool](p, fmt.Sprintf(`document.activeElement.matches(%q)`, selector)) {
				if outline := js[string](p, `getComputedStyle(document.activeElement).outlineStyle`); outline == "none" {
					t.Errorf("%s has no visible focus", selector)
				}
				return
			}
		}
		t.Fatalf("the tabulator does not reach %s", selector)
	}
	press(kb.Tab) // the first stop skips the header
	if !js[bool](p, `document.activeElement.matches(".skip") && document.activeElement.getBoundingClientRect().left >= 0`) {
		t.Error("the first stop is not the visible link to the content")
	}
	press("/")
	p.wait(`document.activeElement.matches(".search")`)
	press("aut")
	p.wait(`document.querySelectorAll("[data-filter]").length === 1`)
	tabTo("[data-filter=auth] a")
	press(kb.Enter)
	p.do(chromedp.WaitReady("#actions"))
	p.wait(`document.activeElement.id === "content"`) // the reader of the new page begins there
	tabTo("[role=tab][aria-selected=true]")
	press(kb.ArrowRight)
	p.waitText("#panel", "TypedExtensionConfig")
	tabTo("[data-act=promote]")
	press(kb.Enter)
	p.do(chromedp.WaitVisible("dialog[open]"))
	for range 12 { // the focus stays in the dialog
		press(kb.Tab)
		if !js[bool](p, `document.activeElement === document.body || document.querySelector("dialog").contains(document.activeElement)`) {
			t.Fatal("the focus leaves the dialog")
		}
	}
	tabTo("[data-confirm=promote]")
	press(kb.Enter)
	p.do(chromedp.WaitVisible(".toast"))
	p.wait(`document.activeElement.dataset.act === "promote"`)
	if got := w.changes(); !slices.Equal(got, []string{"POST filters/auth/rollout/promote {}"}) {
		t.Errorf("the page has sent %q", got)
	}
}

// Copy puts the command line on the clipboard.
func TestCopy(t *testing.T) {
	w := everything()
	server := serve(t, w.handler(admin.Options{}))
	p := open(t, server.URL+"/#/filters/waf", 1280)
	p.do(chromedp.WaitReady("#actions .copy"))
	js[bool](p, `navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }, true`)
	p.do(chromedp.Click("#actions .action .copy"), chromedp.WaitVisible(".toast"))
	if got := js[string](p, `window.copied`); !strings.HasPrefix(got, "wasm-xds retry waf --admin-address 127.0.0.1:") {
		t.Errorf("copied %q", got)
	}
	// A page over plain HTTP from another machine has no navigator.clipboard.
	js[bool](p, `navigator.clipboard.writeText = () => Promise.reject(new Error("no")), document.addEventListener("copy", () => { window.copied = String(getSelection()) || document.activeElement.value; }), window.copied = "", true`)
	p.do(chromedp.Click("#actions .action .copy"))
	p.wait(`window.copied.startsWith("wasm-xds retry waf")`)
}
