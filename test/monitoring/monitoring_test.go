// Package monitoring_test checks examples/monitoring: the alerts with promtool, and each query of
// the dashboard and of the alerts with a real Prometheus that reads the metrics of a real server.
package monitoring_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

func example(name string) string {
	return filepath.Join(program.Repository(), "examples", "monitoring", name)
}

// TestAlerts has promtool check the alerts, and run their tests.
func TestAlerts(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		cmd := exec.CommandContext(t.Context(), "promtool", args...)
		cmd.Dir = filepath.Dir(example(args[2]))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

// alerts are the rules of alerts.yaml.
func alerts(t *testing.T) (rules []struct {
	Alert, Expr string
	Annotations struct{ Summary, Runbook string }
},
) {
	t.Helper()
	text, err := os.ReadFile(example("alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations struct{ Summary, Runbook string }
			}
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Groups {
		rules = append(rules, group.Rules...)
	}
	return rules
}

// TestEachAlertHelps: each alert has a summary, a next step and a test.
func TestEachAlertHelps(t *testing.T) {
	tests, err := os.ReadFile(example("alerts_test.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	rules := alerts(t)
	if len(rules) < 20 {
		t.Errorf("only %d alerts", len(rules))
	}
	for _, one := range rules {
		if one.Annotations.Summary == "" || one.Annotations.Runbook == "" {
			t.Errorf("%s has no summary or no runbook", one.Alert)
		}
		if !strings.Contains(string(tests), "alertname: "+one.Alert+"\n") || !strings.Contains(string(tests), "alertname: "+one.Alert+",") {
			t.Errorf("%s has no test that it fires, or none that it does not", one.Alert)
		}
	}
}

// query is a query of the dashboard.
type query struct{ panel, expr string }

// queries are all queries of the dashboard, with its variables filled in.
func queries(t *testing.T) (all []query) {
	t.Helper()
	text, err := os.ReadFile(example("dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$job", "wasm-xds", "$instance", ".*", "$__rate_interval", "1m")
	for _, p := range d.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("the panel %q has no query", p.Title)
		}
		for _, target := range p.Targets {
			all = append(all, query{p.Title, fill.Replace(target.Expr)})
		}
	}
	return all
}

// mayBeEmpty are the queries without a series in the run of this test: the server has no TLS, and
// its Envoy does not wait for anything.
var mayBeEmpty = regexp.MustCompile(`wasm_xds_certificate_|wasm_xds_wrong_protocol_|"pending\|fetching"`)

// TestDashboard runs each query against a Prometheus that reads a server with an Envoy, edits,
// refusals and a webhook. A query without data is one of a metric that does not exist.
func TestDashboard(t *testing.T) {
	t.Parallel()
	received := make(chan struct{}, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only the arrival matters
		received <- struct{}{}
	}))
	t.Cleanup(hook.Close)
	dir := t.TempDir()
	harness.WriteFilter(t, dir, "auth", module("v1"), "")
	cp := harness.StartControlPlane(t, harness.ControlPlaneOptions{Dir: dir, Args: []string{"--webhook", hook.URL}})
	prometheus := startPrometheus(t, strings.TrimPrefix(cp.AdminURL(), "http://"))
	port := harness.FreePort(t)
	harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: harness.Bootstrap{
		XDSAddress: cp.XDSAddress(), ModulesAddress: cp.ModulesAddress(), StatsInterval: "1s",
		HTTP: []harness.HTTPListener{{Name: "web", Port: port, Filters: harness.Filters("auth"), Upstream: strings.TrimPrefix(hook.URL, "http://")}},
	}.YAML(t)})
	cp.WaitLive("auth", module("v1"), 1)
	prometheus.wait(t, "two looks of Prometheus", `count_over_time(wasm_xds_ready[1m]) > 1`, false)
	harness.WriteFilter(t, dir, "auth", module("v2"), "")
	cp.WaitLive("auth", module("v2"), 1)
	harness.WriteFile(t, filepath.Join(dir, "broken.yaml"), []byte("name: broken\nmodul: {}\n"))
	<-received // a revision is live
	<-received // and another one, or the refusal
	for _, q := range queries(t) {
		prometheus.wait(t, q.panel, q.expr, mayBeEmpty.MatchString(q.expr))
	}
	for _, one := range alerts(t) {
		if strings.Contains(one.Expr, " or ") {
			// alerts_test.yaml has the values of an alert with several comparisons.
			prometheus.wait(t, one.Alert, one.Expr, true)
			continue
		}
		// Without the threshold, each alert has data.
		expr := regexp.MustCompile(` (==|<|>) -?[0-9.]+( \* .*)?$`).ReplaceAllString(one.Expr, "")
		prometheus.wait(t, one.Alert, expr, mayBeEmpty.MatchString(expr))
	}
	prometheus.wait(t, "the alert about the broken document", `ALERTS{alertname="WasmXdsRefused"}`, false)
}

// prometheus is a running Prometheus.
type prometheus struct {
	url string
	end func() // ends the process; the end of the test does, too
}

// startPrometheus starts a Prometheus that scrapes these addresses every second.
func startPrometheus(t *testing.T, targets ...string) prometheus {
	t.Helper()
	dir := t.TempDir()
	config := fmt.Sprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [%s]\n"+
		"scrape_configs: [{job_name: wasm-xds, static_configs: [{targets: ['%s']}]}]\n", example("alerts.yaml"), strings.Join(targets, "', '"))
	path := filepath.Join(dir, "prometheus.yml")
	harness.WriteFile(t, path, []byte(config))
	address := harness.Loopback(harness.FreePort(t))
	cmd := exec.Command("prometheus", "--config.file="+path, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	cmd.SysProcAttr = program.DieWithParent()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := prometheus{url: "http://" + address, end: sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // SIGTERM ends it
		_ = log.Close()
	})}
	t.Cleanup(func() {
		p.end()
		if text, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("prometheus:\n%s", text[max(0, len(text)-3000):])
		}
	})
	return p
}

// wait waits until a query has data, or with mayBeEmpty until Prometheus has understood it.
func (p prometheus) wait(t *testing.T, name, expr string, mayBeEmpty bool) {
	t.Helper()
	var last string
	if !harness.Poll(t.Context(), func() bool {
		n, err := p.ask(expr)
		last = fmt.Sprint(n, " series, ", err)
		return err == nil && (n > 0 || mayBeEmpty)
	}) {
		t.Errorf("%s: %s has no data: %s", name, expr, last)
	}
}

// ask is the number of series in the answer to a query.
func (p prometheus) ask(expr string) (int, error) {
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(p.url + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	var answer struct {
		Error string
		Data  struct{ Result []json.RawMessage }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return 0, err
	}
	if answer.Error != "" {
		return 0, fmt.Errorf("prometheus: %s", answer.Error)
	}
	return len(answer.Data.Result), nil
}
