package chaos

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/test/browser"
)

// page is the web page of the control plane in Chromium. The page of each filter stays open in a
// tab and follows the server by itself. Another tab visits the pages of the Envoys.
type page struct {
	root    string // URL of the page
	filters map[FilterName]tab
	envoys  tab
}

// tab is a tab of the browser.
type tab struct{ ctx context.Context }

// openPage opens the tabs. They end with the run.
func openPage(t harness.TB, root string) *page {
	t.Helper()
	chromium, err := browser.Start()
	if err != nil {
		t.Fatalf("the browser: %v", err)
	}
	t.Cleanup(chromium.Close)
	p := &page{root: root, filters: map[FilterName]tab{}}
	open := func(fragment string) tab {
		ctx, end := chromium.Tab()
		t.Cleanup(end)
		if err := chromedp.Do(ctx, chromedp.Navigate(root+"/"+fragment)); err != nil {
			t.Fatalf("the page: %v", err)
		}
		return tab{ctx}
	}
	for _, name := range Filters() {
		p.filters[name] = open("#/filters/" + string(name))
	}
	p.envoys = open("#/envoys")
	return p
}

// readLimit bounds one look at a tab.
const readLimit = 10 * time.Second

// functions read the visible text of elements and of tables.
const functions = `
const text = (e) => (e?.innerText ?? "").replace(/\s+/g, " ").trim();
const all = (selector) => [...document.querySelectorAll(selector)];
const cell = (row, name) => row.querySelector('td[data-label="' + name + '"]');
const rows = (selector) => all(selector).map((row) => ({
	name: text((cell(row, "Envoy") ?? cell(row, "Filter"))?.querySelector("a")),
	state: text(cell(row, "State")?.querySelector(".badge")),
	revision: text(cell(row, "Revision")?.querySelector("code") ?? cell(row, "Revision")),
	variant: text(cell(row, "Variant") ?? cell(row, "Revision")?.querySelector(".soft")).replace("–", ""),
}));
const link = text(document.querySelector("#link"));
const stale = document.querySelector("#content").classList.contains("stale");
`

// readFilter gives the page of a filter as a [Shown]. A missing element is an empty text.
const readFilter = `({
	link, stale, badges: all(".head .badge").map(text), serves: text(document.querySelector(".head .push")),
	waves: all("#rollout .wave").map((w) => ({
		name: text(w.querySelector("b")), live: text(w.querySelector(".push")), current: w.getAttribute("aria-current") === "step",
	})),
	envoys: rows("#subscribers tbody tr"),
})`

// readEnvoy gives the page of an Envoy as a [shownFilters].
const readEnvoy = `({link, stale, name: text(document.querySelector("h1")), filters: rows('table[aria-label="Filters"] tbody tr')})`

// shownFilters is the page of an Envoy.
type shownFilters struct {
	Link    string
	Stale   bool
	Name    string
	Filters []ShownEnvoy
}

// read returns the value of an expression in a tab.
func read[T any](ctx context.Context, in tab, expression string) (T, error) {
	limited, cancel := context.WithTimeout(in.ctx, readLimit)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	return chromedp.Run(limited, chromedp.Evaluate[T]("(() => {"+functions+"return "+expression+";})()"))
}

// filter returns a filter as its page shows it.
func (p *page) filter(ctx context.Context, name FilterName) (Shown, error) {
	return read[Shown](ctx, p.filters[name], readFilter)
}

// envoy goes to the page of an Envoy, and returns its filters once the page has them.
func (p *page) envoy(ctx context.Context, node string) (shown shownFilters, err error) {
	if _, err = read[string](ctx, p.envoys, fmt.Sprintf("location.hash = %q", "#/envoys/"+url.PathEscape(node))); err != nil {
		return shown, err
	}
	for began := time.Now(); time.Since(began) < readLimit && ctx.Err() == nil; rest(ctx, 20*time.Millisecond) {
		shown, err = read[shownFilters](ctx, p.envoys, readEnvoy)
		if err != nil || shown.Name == node && len(shown.Filters) > 0 {
			return shown, err
		}
	}
	return shown, nil
}

// disagreements returns the differences between the pages and told, the API's answer.
func (p *page) disagreements(ctx context.Context, nodes []Node, told []Told) (problems []string) {
	for _, t := range told {
		if _, open := p.filters[FilterName(t.Name)]; !open {
			continue
		}
		shown, err := p.filter(ctx, FilterName(t.Name))
		if err != nil {
			return append(problems, fmt.Sprintf("the page of %s: %v", t.Name, err))
		}
		problems = append(problems, PageDisagreements(t, shown)...)
	}
	if len(problems) > 0 {
		return problems
	}
	told = slices.DeleteFunc(slices.Clone(told), func(t Told) bool { return !slices.Contains(Filters(), FilterName(t.Name)) })
	for _, n := range nodes {
		shown, err := p.envoy(ctx, n.ID)
		if err != nil {
			return append(problems, fmt.Sprintf("the page of %s: %v", n.ID, err))
		}
		if text := stale(shown.Link, shown.Stale); text != "" {
			problems = append(problems, n.ID+": "+text)
			continue
		}
		problems = append(problems, EnvoyPageDisagreements(n.ID, told, shown.Filters)...)
	}
	return problems
}
