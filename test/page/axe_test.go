package page_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/api"
)

// axe-core finds nothing on any page, in either theme, and neither in a dialog nor without a
// server.
func TestAccessibility(t *testing.T) {
	out, err := exec.Command("../../scripts/get-axe").Output()
	if err != nil {
		t.Fatal("scripts/get-axe: ", err)
	}
	script, err := os.ReadFile(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	w := everything()
	w.freeze = api.Freeze{Frozen: true, By: "deploy", At: ago(minute), Reason: "a sale"}
	server := serve(t, w.handler(admin.Options{}))
	p := open(t, server.URL, 1280)
	p.do(chromedp.WaitVisible("#link.up"))
	js[bool](p, string(script)+"\n;true")
	check := func(name string) {
		t.Helper()
		for _, theme := range []string{"light", "dark"} {
			p.dark(theme == "dark")
			rules := `{resultTypes: ["violations"]}`
			if theme == "dark" { // all other rules are about the document
				rules = `{resultTypes: ["violations"], runOnly: ["color-contrast"]}`
			}
			found, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](`axe.run(document, `+rules+`).then((r) =>
				r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.target.join(" ") + ": " + (n.failureSummary ?? "").slice(0, 300))))`, chromedp.EvalAwaitPromise))
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range found {
				t.Errorf("%s, %s: %s", name, theme, one)
			}
		}
	}
	for _, one := range pages {
		p.goTo(one.fragment)
		p.do(chromedp.WaitReady(one.element))
		js[int](p, `document.querySelectorAll("details").forEach((d) => { d.open = true; }), 1`)
		check(one.name)
	}
	p.goTo("#/filters/auth")
	p.do(chromedp.WaitEnabled("[data-act=rollback]"), chromedp.Click("[data-act=rollback]"), chromedp.WaitVisible("dialog[open]"))
	check("a dialog")
	p.do(chromedp.Click("dialog .buttons button[type=button]"), chromedp.WaitNotPresent("dialog"))
	server.CloseClientConnections()
	server.Listener.Close()
	p.do(chromedp.WaitVisible("#link.lost"))
	check("without the server")
}
