package monitoring_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// TestTraces sends the traces of edits on a real Envoy to a real OpenTelemetry collector, over gRPC
// and over HTTP, and reads the spans in the collector's output.
func TestTraces(t *testing.T) {
	t.Parallel()
	collector := startCollector(t)
	dir := t.TempDir()
	harness.WriteFilter(t, dir, "auth", module("v1"), "")
	cp := harness.StartControlPlane(t, harness.ControlPlaneOptions{Dir: dir, Args: []string{"--otlp-endpoint", "grpc://" + collector.grpc}})
	upstream := harness.StartUpstream(t)
	harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: harness.Bootstrap{
		XDSAddress: cp.XDSAddress(), ModulesAddress: cp.ModulesAddress(), NodeID: "edge-1",
		HTTP: []harness.HTTPListener{{Name: "web", Port: harness.FreePort(t), Filters: harness.Filters("auth"), Upstream: upstream.Address()}},
	}.YAML(t)})
	cp.WaitLive("auth", module("v1"), 1)

	swap := func(stamp string) {
		t.Helper()
		harness.WriteFilter(t, dir, "auth", module(stamp), "")
		revision := cp.WaitLive("auth", module(stamp), 1).Revision
		collector.wait(t, "edit auth", revision, "live")
	}
	swap("v2")
	harness.WriteFile(t, filepath.Join(dir, "auth.wasm"), []byte("no module"))
	collector.wait(t, "edit auth", "", "refused")

	cp.Stop()
	cp.SetArgs("--otlp-endpoint", "http://"+collector.http)
	cp.Start()
	swap("v3")
}

// collector is a running OpenTelemetry collector, which prints the spans into a file.
type collector struct{ grpc, http, file string }

func startCollector(t *testing.T) collector {
	t.Helper()
	get := exec.CommandContext(t.Context(), filepath.Join(program.Repository(), "scripts", "get-otelcol"))
	get.Stderr = os.Stderr
	binary, err := get.Output()
	if err != nil {
		t.Fatalf("scripts/get-otelcol: %v", err)
	}
	dir := t.TempDir()
	c := collector{harness.Loopback(harness.FreePort(t)), harness.Loopback(harness.FreePort(t)), filepath.Join(dir, "log")}
	config := filepath.Join(dir, "config.yaml")
	harness.WriteFile(t, config, fmt.Appendf(nil, `
receivers: {otlp: {protocols: {grpc: {endpoint: %q}, http: {endpoint: %q}}}}
exporters: {debug: {verbosity: detailed, use_internal_logger: false}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [otlp], exporters: [debug]}}
`, c.grpc, c.http))
	cmd := exec.Command(strings.TrimSpace(string(binary)), "--config", config)
	cmd.SysProcAttr = program.DieWithParent()
	log, err := os.Create(c.file)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // SIGTERM ends it
		_ = log.Close()
		if text, err := os.ReadFile(c.file); t.Failed() && err == nil {
			t.Logf("the collector:\n%s", text[max(0, len(text)-5000):])
		}
	})
	for _, address := range []string{c.grpc, c.http} {
		if !harness.Poll(t.Context(), func() bool {
			connection, err := net.Dial("tcp", address)
			if err == nil {
				_ = connection.Close()
			}
			return err == nil
		}) {
			t.Fatalf("the collector does not listen on %s", address)
		}
	}
	return c
}

// span is a span as the collector prints it.
type span struct {
	trace, id, parent, name, message, service string
	attributes                                map[string]string
}

// The lines of the collector's detailed output.
var (
	spanBegins = regexp.MustCompile(`^Span #\d+`)
	spanField  = regexp.MustCompile(`^\s+(Trace ID|Parent ID|ID|Name|Status message)\s*: ?(.*)$`)
	spanValue  = regexp.MustCompile(`^\s+-> ([\w.]+): Str\((.*)\)$`)
)

// spans returns all spans that the collector has printed.
func (c collector) spans(t *testing.T) (all []span) {
	t.Helper()
	text, err := os.ReadFile(c.file)
	if err != nil {
		t.Fatal(err)
	}
	service := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		last := len(all) - 1
		switch field, value := spanField.FindStringSubmatch(line), spanValue.FindStringSubmatch(line); {
		case spanBegins.MatchString(line):
			all = append(all, span{service: service, attributes: map[string]string{}})
		case value != nil && value[1] == "service.name":
			service = value[2]
		case value != nil && last >= 0:
			all[last].attributes[value[1]] = value[2]
		case field != nil && last >= 0:
			*map[string]*string{
				"Trace ID": &all[last].trace, "Parent ID": &all[last].parent, "ID": &all[last].id, "Name": &all[last].name, "Status message": &all[last].message,
			}[field[1]] = field[2]
		}
	}
	return all
}

// wait waits for the trace of an edit with this revision and outcome, and checks its spans.
func (c collector) wait(t *testing.T, name, revision, outcome string) {
	t.Helper()
	var trace []span
	if !harness.Poll(t.Context(), func() bool {
		all := c.spans(t)
		i := slices.IndexFunc(all, func(s span) bool {
			return s.name == name && s.attributes["wasm_xds.outcome"] == outcome && (revision == "" || s.attributes["wasm_xds.revision"] == revision)
		})
		if i < 0 {
			return false
		}
		root := all[i]
		trace = slices.DeleteFunc(all, func(s span) bool { return s.trace != root.trace })
		return true
	}) {
		t.Fatalf("the collector has no span %q with revision %q and outcome %s", name, revision, outcome)
	}
	names := map[string]bool{}
	for _, s := range trace {
		names[s.name] = true
		orphan := s.parent != "" && !slices.ContainsFunc(trace, func(p span) bool { return p.id == s.parent })
		if s.service != "wasm-xds" || orphan {
			t.Errorf("the span %+v has no parent, or another service", s)
		}
		if s.name == name && (s.message == "") != (outcome == "live") {
			t.Errorf("the status of %s is %q", name, s.message)
		}
	}
	want := []string{"read the module", "check in the sandbox", "wave all", "push to edge-1"}
	if outcome != "live" {
		want = []string{"read the module"}
	}
	for _, one := range want {
		if !names[one] {
			t.Errorf("the trace of revision %s has no span %q: %v", revision, one, names)
		}
	}
}
