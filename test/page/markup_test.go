package page_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/api"
)

// Markup in names and messages is text. If a script tried to have it parsed, the browser would
// refuse, as it refuses inline scripts.
func TestMarkupIsText(t *testing.T) {
	const markup = `<img src=x onerror="window.owned = true"><script>window.owned = true</script>`
	w := everything()
	evil := filter(markup, subscriber("edge-1", api.SubscriberRejected, before))
	evil.Error = &api.Error{Message: "message " + markup, Hint: "hint " + markup, File: markup, Line: 1}
	evil.Subscribers[0].Node, evil.Subscribers[0].Error = markup, &api.Error{Message: "an Envoy says " + markup}
	w.filters = append(w.filters, evil)
	server := serve(t, w.handler(admin.Options{}))
	p := open(t, server.URL, 1280)
	p.waitText("#content", "hint "+markup)
	p.goTo(js[string](p, `[...document.querySelectorAll("[data-filter] h2 a")].find((a) => a.innerText.includes("onerror")).hash`))
	p.waitText(".problems", "an Envoy says "+markup)
	p.do(chromedp.WaitReady("#subscribers tbody"))
	if js[bool](p, `window.owned === true || document.querySelectorAll("#content img, #content script").length > 0`) {
		t.Error("markup was parsed")
	}
	for _, attempt := range []string{
		`(() => { try { document.body.innerHTML = "<b>x</b>"; return false; } catch (e) { return e instanceof TypeError; } })()`,
		`(() => { const s = document.createElement("div"); document.body.append(s); try { s.setAttribute("onclick", "window.owned = true"); } catch { } s.click(); return window.owned !== true; })()`,
	} {
		if !js[bool](p, attempt) {
			t.Errorf("the browser allows %s", attempt)
		}
	}
}
