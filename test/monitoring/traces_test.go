package monitoring_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// TestTraces sends the traces of edits on a real Envoy to a real OpenTelemetry collector, over gRPC
// and over HTTP, and reads what the collector has written.
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

// collector is a running OpenTelemetry collector.
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
	c := collector{harness.Loopback(harness.FreePort(t)), harness.Loopback(harness.FreePort(t)), filepath.Join(dir, "spans.json")}
	config := filepath.Join(dir, "config.yaml")
	harness.WriteFile(t, config, fmt.Appendf(nil, `
receivers: {otlp: {protocols: {grpc: {endpoint: %q}, http: {endpoint: %q}}}}
exporters: {file: {path: %q, flush_interval: 100ms}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [otlp], exporters: [file]}}
`, c.grpc, c.http, c.file))
	cmd := exec.Command(strings.TrimSpace(string(binary)), "--config", config)
	cmd.SysProcAttr = program.DieWithParent()
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // SIGTERM ends it
		if t.Failed() {
			t.Logf("the collector:\n%s", log.String())
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

// span is a span as the collector writes it, with its resource.
type span struct {
	TraceID, SpanID, ParentSpanID, Name string
	Attributes                          attributes
	Status                              struct{ Message string }
	service                             string
}

type attributes []struct {
	Key   string
	Value struct{ StringValue string }
}

func (all attributes) get(key string) string {
	for _, one := range all {
		if one.Key == key {
			return one.Value.StringValue
		}
	}
	return ""
}

// spans returns all spans that the collector has written.
func (c collector) spans(t *testing.T) (all []span) {
	t.Helper()
	text, err := os.ReadFile(c.file)
	if err != nil {
		return nil // nothing is written yet
	}
	for line := range bytes.Lines(text) {
		var batch struct {
			ResourceSpans []struct {
				Resource   struct{ Attributes attributes }
				ScopeSpans []struct{ Spans []span }
			}
		}
		if json.Unmarshal(line, &batch) != nil {
			continue // the end of the line is not written yet
		}
		for _, of := range batch.ResourceSpans {
			for _, scope := range of.ScopeSpans {
				for _, s := range scope.Spans {
					s.service = of.Resource.Attributes.get("service.name")
					all = append(all, s)
				}
			}
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
			return s.Name == name && s.Attributes.get("wasm_xds.outcome") == outcome && (revision == "" || s.Attributes.get("wasm_xds.revision") == revision)
		})
		if i < 0 {
			return false
		}
		root := all[i]
		trace = slices.DeleteFunc(all, func(s span) bool { return s.TraceID != root.TraceID })
		return true
	}) {
		t.Fatalf("the collector has no span %q with revision %q and outcome %s", name, revision, outcome)
	}
	names := map[string]bool{}
	for _, s := range trace {
		names[s.Name] = true
		orphan := s.ParentSpanID != "" && !slices.ContainsFunc(trace, func(p span) bool { return p.SpanID == s.ParentSpanID })
		if s.service != "wasm-xds" || orphan {
			t.Errorf("the span %+v has no parent, or another service", s)
		}
		if s.Name == name && (s.Status.Message == "") != (outcome == "live") {
			t.Errorf("the status of %s is %q", name, s.Status.Message)
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
