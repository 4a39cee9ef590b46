package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

const (
	doctorGood   = "../../internal/doctor/testdata/good"
	doctorBroken = "../../internal/doctor/testdata/broken"
)

// envoySays has the message of an Envoy that starts with a broken bootstrap; "": Envoy is silent.
var envoySays = map[string]string{
	"after-router":               "must be the last filter in a http filter chain",
	"another-ads":                "",
	"default-config":             "Invalid path: /etc/envoy/fallback.wasm", // the module of the example is nowhere
	"http1-in-json":              "",
	"http1-options":              "",
	"http1-xds-cluster":          "",
	"merge-key":                  "no such field: '<<'",
	"misspelled-modules-cluster": "",
	"misspelled-name":            "",
	"misspelled-xds-cluster":     "Unknown gRPC client cluster 'wasm-xds'",
	"modules-at-xds-port":        "",
	"network-type-in-http":       "no factory found for a required type URL",
	"no-ads-config":              "",
	"no-back-off":                "",
	"no-fetch-timeout":           "",
	"no-modules-cluster":         "",
	"no-node-id":                 "node 'id' and 'cluster' are required",
	"upstream-over-ads":          "", // and then Envoy ends with a segmentation fault, see test/envoyfacts
}

// Real Envoys refuse the broken bootstraps for the reason that doctor names, or stay silent.
func TestEnvoyOnBrokenBootstraps(t *testing.T) {
	files, err := filepath.Glob(doctorBroken + "/*")
	if err != nil || len(files) != len(envoySays) {
		t.Fatalf("%d files for %d cases, %v", len(files), len(envoySays), err)
	}
	for _, version := range []string{"1.36.4", "1.40.0"} {
		envoy := harness.Envoy(t, version)
		for _, path := range append(files, doctorGood+"/edge.yaml") {
			name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
			t.Run(version+"/"+name, func(t *testing.T) {
				out, err := exec.CommandContext(t.Context(), envoy, "--mode", "validate", "-l", "warning", "-c", path).CombinedOutput()
				// Envoy breaks its messages at odd places.
				said := strings.Join(strings.Fields(string(out)), " ")
				switch want := envoySays[name]; {
				case name == "upstream-over-ads": // some Envoys end with the fault here, others later
				case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(said, want)):
					t.Errorf("%v, want %q in\n%s", err, want, out)
				}
			})
		}
	}
}

// doctorOf runs doctor and returns the codes of its findings, sorted.
func doctorOf(t *testing.T, s *scenario, args ...string) []string {
	t.Helper()
	args = append([]string{"doctor", "-o", "json", "--admin-address", strings.TrimPrefix(s.cp.AdminURL(), "http://")}, args...)
	var stdout, stderr bytes.Buffer
	c := exec.CommandContext(t.Context(), harness.BuildBinary(t), args...)
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	var report struct {
		Findings []struct{ Code, Message string }
	}
	if e := json.Unmarshal(stdout.Bytes(), &report); e != nil {
		t.Fatalf("%v, %v\n%s%s", err, e, &stdout, &stderr)
	}
	codes := []string{}
	for _, f := range report.Findings {
		codes = append(codes, f.Code)
	}
	slices.Sort(codes)
	if (err == nil) != (len(codes) == 0) {
		t.Errorf("%v after %v", err, codes)
	}
	return codes
}

// Doctor asks a running Envoy, and the control plane as that Envoy would, and leaves no trace.
func TestDoctorOfARunningEnvoy(t *testing.T) {
	s := newScenario(t)
	s.write(auth, authModule("v1"), "")
	s.cp.Start()
	start := func(change func(string) string) (*harness.EnvoyProcess, string) {
		b := harness.Bootstrap{XDSAddress: s.cp.XDSAddress(), ModulesAddress: s.cp.ModulesAddress(), HTTP: []harness.HTTPListener{{
			Name: "web", Port: harness.FreePort(t), Filters: harness.Filters(auth), Upstream: s.upstream.Address(),
		}}}
		text := change(b.YAML(t))
		path := filepath.Join(t.TempDir(), "bootstrap.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: text}), path
	}
	expect := func(what string, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	envoy, _ := start(func(b string) string { return b })
	s.cp.WaitLive(auth, authModule("v1"), 1)
	expect("a good Envoy", doctorOf(t, s, "--envoy", envoy.AdminURL(), "--server"))
	var visitors []visitor
	s.cp.GetJSON("/api/v1/visitors", &visitors)
	var nodes []struct{ ID string }
	s.cp.GetJSON("/api/v1/nodes", &nodes)
	if len(visitors) != 0 || len(nodes) != 1 {
		t.Errorf("doctor has left %+v, %+v", visitors, nodes)
	}

	envoy.Stop()
	<-envoy.Exited()
	broken, _ := start(func(b string) string { return strings.ReplaceAll(b, "http2_protocol_options", "http_protocol_options") })
	broken.WaitStat("cluster.xds_"+strings.ReplaceAll(s.cp.XDSAddress(), ":", "_")+".upstream_cx_destroy", 1)
	// Envoy tries again and again: a connection may be open just now.
	got := slices.DeleteFunc(doctorOf(t, s, "--envoy", broken.AdminURL()), func(code string) bool { return code == "xds_closes" })
	expect("HTTP/1", got, "no_http2", "not_connected", "waits_for_filter")
}
