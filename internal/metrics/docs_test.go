package metrics

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/signal"
)

// TestMetricsPageHasTheLabels: the page explains each value that a label has from the start.
func TestMetricsPageHasTheLabels(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	m := New("v")
	if err := m.Watch(someState()); err != nil {
		t.Fatal(err)
	}
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, series := range family.GetMetric() {
			for _, l := range series.GetLabel() {
				switch l.GetName() {
				case "state", "variant", "kind", "mode":
					if !strings.Contains(string(page), "`"+l.GetValue()+"`") {
						t.Errorf("%s{%s=%q} is not explained", family.GetName(), l.GetName(), l.GetValue())
					}
				}
			}
		}
	}
}

// TestMetricsPage compares docs/metrics.md with the metrics.
func TestMetricsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, match := range regexp.MustCompile("(?m)^\\| `(wasm_xds_[a-z_]+)`").FindAllSubmatch(page, -1) {
		documented = append(documented, string(match[1]))
	}
	m := New("")
	if err := m.Watch(someState()); err != nil {
		t.Fatal(err)
	}
	m.WatchCertificates(func() []api.Certificate { return nil })
	m.WatchIdentity(func() api.Identity { return api.Identity{} })
	m.WatchTokens(func() api.Tokens { return api.Tokens{} })
	m.WatchWebhooks(func() []api.Webhook { return nil })
	m.WatchReplica(func() (int, bool, bool) { return 0, true, false })
	m.WatchWaiting(func() int { return 0 })
	m.WatchReports(signal.NewStore(signal.Limits{}).Totals)
	descriptions := make(chan *prometheus.Desc)
	go func() {
		m.registry.Describe(descriptions)
		close(descriptions)
	}()
	var registered []string
	name := regexp.MustCompile(`fqName: "(wasm_xds_[a-z_]+)"`)
	for d := range descriptions {
		if match := name.FindStringSubmatch(d.String()); match != nil {
			registered = append(registered, match[1])
		}
	}
	slices.Sort(documented)
	slices.Sort(registered)
	if diff := cmp.Diff(registered, documented); diff != "" {
		t.Errorf("docs/metrics.md is not what is registered: %s", diff)
	}
}
