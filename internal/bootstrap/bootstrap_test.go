package bootstrap_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

var update = flag.Bool("update", false, "write the golden files and the example anew, and delete those of no case")

const (
	example   = "../../examples/envoy/bootstrap.yaml"
	listeners = "testdata/listeners.yaml" // the bootstrap beside it reads this file
)

var (
	prime  = bootstrap.Filter{Name: "prime_token", Type: spec.HTTP}
	hello  = bootstrap.Filter{Name: "hello", Type: spec.HTTP}
	tcpLog = bootstrap.Filter{Name: "tcp_log", Type: spec.Network}
)

// goldens has the options of each golden bootstrap, by file.
func goldens() map[string]bootstrap.Options {
	filters := []bootstrap.Filter{prime, hello, tcpLog}
	return map[string]bootstrap.Options{
		example:                    {Filters: filters},
		"testdata/ads-sotw.yaml":   {Filters: filters, Mode: bootstrap.ADSSotW},
		"testdata/ecds-delta.yaml": {Filters: filters, Mode: bootstrap.ECDSDelta},
		"testdata/ecds-sotw.yaml":  {Filters: filters, Mode: bootstrap.ECDSSotW},
		"testdata/http.yaml":       {Filters: []bootstrap.Filter{prime}},
		"testdata/few-stats.yaml":  {Filters: []bootstrap.Filter{prime}, Stats: bootstrap.StatsFew, StatsInterval: 1500 * time.Millisecond},
		"testdata/services.yaml": {Filters: []bootstrap.Filter{prime}, Services: []bootstrap.Service{
			{Name: "team-a/traffic", Revision: "0123456789ab", Config: "config:\n  name: team-a/traffic\n  vm_config:\n    vm_id: traffic\n    runtime: envoy.wasm.runtime.v8\n    code:\n      local:\n        filename: ../../examples/service/traffic_service.wasm\nsingleton: true\n"},
		}},
		"testdata/only-services.yaml": {Services: []bootstrap.Service{
			{Name: "traffic", Revision: "0123456789ab", Config: "config:\n  name: traffic\n  vm_config:\n    vm_id: traffic\n    runtime: envoy.wasm.runtime.v8\n    code:\n      local:\n        filename: ../../examples/service/traffic_service.wasm\nsingleton: true\n"},
		}},
		"testdata/no-stats.yaml": {Filters: []bootstrap.Filter{prime}, Stats: bootstrap.StatsNone},
		"testdata/files.yaml": {
			Filters:     []bootstrap.Filter{prime, tcpLog},
			FilterFiles: map[string]string{"prime_token": "/etc/envoy/filters/prime_token.json", "tcp_log": "/etc/envoy/filters/tcp log.json"},
		},
		"testdata/network.yaml": {Filters: []bootstrap.Filter{tcpLog}},
		"testdata/lds.yaml":     {ListenersFile: "/run/wasm-xds/listeners.yaml"},
		listeners:               {ListenersFile: "/run/wasm-xds/listeners.yaml", Filters: filters},
		"testdata/sockets.yaml": {
			Filters: []bootstrap.Filter{prime}, XDSAddress: "unix:///run/wasm-xds/xds.sock",
			ModulesAddress: "unix:///run/wasm-xds/modules: #1.sock", UpstreamAddress: "unix:///run/app.sock",
		},
		"testdata/tls.yaml": {
			Filters: []bootstrap.Filter{prime}, XDSAddress: "control.example.com:18000", ModulesAddress: "10.0.0.1:18001",
			TLS: bootstrap.TLS{CAFile: "/etc/tls/ca.crt", CertFile: "/etc/tls/tls.crt", KeyFile: "/etc/tls/tls.key", SDSDir: "/etc/envoy/sds"},
		},
		"testdata/tls-server-only.yaml": {
			Filters: []bootstrap.Filter{prime}, XDSAddress: "unix:///run/wasm-xds/xds.sock", ModulesAddress: "[::1]:18001",
			TLS: bootstrap.TLS{CAFile: "/etc/tls/ca.crt", ServerName: "control"},
		},
		"testdata/servers.yaml": {
			Filters: []bootstrap.Filter{prime}, XDSServers: []string{"10.0.0.1:18000", "[fd00::2]:18000"},
		},
		"testdata/servers-tls.yaml": {
			Filters: []bootstrap.Filter{prime}, XDSServers: []string{"a.example.com:18000", "b.example.com:18000", "10.0.0.3:18000"},
			ModulesServers: []string{"modules.example.com:18001"},
			TLS:            bootstrap.TLS{CAFile: "/etc/tls/ca.crt", CertFile: "/etc/tls/tls.crt", KeyFile: "/etc/tls/tls.key", SDSDir: "/etc/envoy/sds"},
		},
		"testdata/spiffe.yaml": {
			Filters: []bootstrap.Filter{prime}, XDSAddress: "control.example.com:18000", ModulesAddress: "10.0.0.1:18001",
			TLS: bootstrap.TLS{SPIFFE: bootstrap.SPIFFE{Socket: "unix:///run/spire/agent/api.sock", ServerID: "spiffe://example.org/wasm-xds"}},
		},
		"testdata/spiffe-names.yaml": {
			Filters: []bootstrap.Filter{prime}, TLS: bootstrap.TLS{SPIFFE: bootstrap.SPIFFE{
				Socket: "unix:///run/spire/agent/api.sock", ServerID: "spiffe://partner.example",
				SVIDName: "spiffe://example.org/envoy", BundleName: "spiffe://partner.example",
			}},
		},
		"testdata/options.yaml": {
			Filters:             []bootstrap.Filter{{Name: "yes", Type: spec.HTTP}, {Name: `a: "b" #c`, Type: spec.Network}},
			InitialFetchTimeout: 1500 * time.Millisecond,
			XDSAddress:          "control.example.com:443", ModulesAddress: "[::1]:8080", ModulesCluster: "modules",
			AdminAddress: "127.0.0.1:0", ListenAddress: ":8080", TCPListenAddress: "[::]:9000",
			UpstreamAddress: "localhost:80", NodeID: "edge 1", NodeCluster: "1.0",
		},
	}
}

func TestGolden(t *testing.T) {
	for path, options := range goldens() {
		t.Run(filepath.Base(path), func(t *testing.T) {
			got := render(t, options)
			if path == listeners {
				got = renderListeners(t, options)
			}
			if *update {
				write(t, path, got)
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%v (go test ./internal/bootstrap -update writes it)", err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		})
	}
	files, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if _, ok := goldens()[file]; ok {
			continue
		}
		if !*update {
			t.Errorf("%s belongs to no case", file)
		} else if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEnvoyTakesIt(t *testing.T) {
	if testing.Short() {
		program.NotTested(t, "real Envoys take time")
	}
	for _, version := range []string{"1.36.4", "1.40.0"} {
		envoy := harness.Envoy(t, version)
		for path, options := range goldens() {
			t.Run(version+"/"+filepath.Base(path), func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "bootstrap.yaml")
				if options.TLS.CAFile != "" { // Envoy refuses missing files
					options.TLS = realTLS(t, options.TLS)
				}
				if options.ListenersFile != "" {
					options.ListenersFile = filepath.Join(t.TempDir(), "listeners.yaml")
					write(t, options.ListenersFile, renderListeners(t, options))
				}
				options.FilterFiles = realFiles(t, options.FilterFiles)
				write(t, file, render(t, options))
				// Show warnings too, for example about deprecated fields.
				out, err := exec.Command(envoy, "--mode", "validate", "-c", file, "-l", "warning").CombinedOutput()
				if err != nil || strings.Contains(string(out), "[warning]") {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
}

// realFiles replaces the files of filters by files without a filter.
func realFiles(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	if files == nil {
		return nil
	}
	there := map[string]string{}
	for name := range files {
		there[name] = filepath.Join(t.TempDir(), name+".json")
		write(t, there[name], "{}")
	}
	return there
}

// realTLS replaces the files of options by real ones.
func realTLS(t *testing.T, o bootstrap.TLS) bootstrap.TLS {
	t.Helper()
	dir, ca := t.TempDir(), pki.NewCA(t, "ca")
	cert, key := ca.Issue(t, pki.Request{}).WriteFiles(t, dir)
	o.SDSDir, o.CAFile = filepath.Join(dir, "sds"), filepath.Join(dir, "ca.crt")
	pki.WriteFile(t, o.CAFile, ca.PEM())
	if o.CertFile != "" {
		o.CertFile, o.KeyFile = cert, key
	}
	files, err := bootstrap.SDSFiles(bootstrap.Options{TLS: o})
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range files {
		write(t, path, string(text))
	}
	return o
}

// document has the parts of a bootstrap that the tests read.
type document struct {
	StaticResources struct {
		Listeners []struct {
			Name         string
			FilterChains []struct {
				Filters []struct {
					Name            string
					ConfigDiscovery struct {
						ConfigSource map[string]any `yaml:"config_source"`
					} `yaml:"config_discovery"`
					TypedConfig struct {
						HTTPFilters []struct{ Name string } `yaml:"http_filters"`
					} `yaml:"typed_config"`
				}
			} `yaml:"filter_chains"`
		}
		Clusters []struct{ Name, Type string }
	} `yaml:"static_resources"`
}

func parse(t *testing.T, text string) document {
	t.Helper()
	var d document
	if err := yaml.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// Any name stays text for a reader of the YAML, even if the name looks like a number or a bool.
func TestNamesAreText(t *testing.T) {
	for _, name := range []string{
		"plain", "with-dash", "a.b/c", "yes", "NO", "null", "~", "1", "1.5", "0x10", "1e3", "2026-01-01", "-", "- a",
		"a: b", "a #b", `"`, `\`, "'", "*a", "&a", "!a", "%a", "@a", "`a", "{a}", "[a]", "a\nb", "a\tb", "ä", "<&>", "=", "1_0",
		"::", "12:30:45", "{{.}}",
	} {
		d := parse(t, render(t, bootstrap.Options{
			Filters:        []bootstrap.Filter{{Name: name, Type: spec.HTTP}},
			ModulesCluster: name,
		}))
		if got := d.StaticResources.Listeners[0].FilterChains[0].Filters[0].TypedConfig.HTTPFilters[0].Name; got != name {
			t.Errorf("filter %q is read as %q", name, got)
		}
		if got := d.StaticResources.Clusters[1].Name; got != name {
			t.Errorf("cluster %q is read as %q", name, got)
		}
	}
}

// The commented variant without ADS equals the bootstrap of the mode without ADS.
func TestTheCommentedVariantIsTheMode(t *testing.T) {
	_, comment, found := strings.Cut(render(t, bootstrap.Options{Filters: []bootstrap.Filter{tcpLog}}), "#   config_source:\n")
	if !found {
		t.Fatal("no variant in the comments")
	}
	var block strings.Builder
	for line := range strings.Lines(comment) {
		indented, ok := strings.CutPrefix(line, "  #     ")
		if !ok {
			break
		}
		block.WriteString(indented)
	}
	var got map[string]any
	if err := yaml.Unmarshal([]byte(block.String()), &got); err != nil {
		t.Fatal(err)
	}
	without := parse(t, render(t, bootstrap.Options{Filters: []bootstrap.Filter{tcpLog}, Mode: bootstrap.ECDSDelta}))
	want := without.StaticResources.Listeners[0].FilterChains[0].Filters[0].ConfigDiscovery.ConfigSource
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("-mode +comment:\n%s", diff)
	}
}

func TestWhereEnvoyConnects(t *testing.T) {
	for address, want := range map[string]string{
		"0.0.0.0:1":      "address: 127.0.0.1, port_value: 1 ",
		"[::]:1":         "address: 127.0.0.1, port_value: 1 ",
		":1":             "address: 127.0.0.1, port_value: 1 ",
		"10.0.0.1:65535": "address: 10.0.0.1, port_value: 65535 ",
		"host:1":         "address: host, port_value: 1 ",
	} {
		out := render(t, bootstrap.Options{Filters: []bootstrap.Filter{tcpLog}, XDSAddress: address})
		if !strings.Contains(out, want) {
			t.Errorf("%s: no %q", address, want)
		}
		if dns := strings.Contains(out, "STRICT_DNS"); dns != strings.HasPrefix(address, "host") {
			t.Errorf("%s: DNS is %v", address, dns)
		}
	}
}

func TestErrors(t *testing.T) {
	with := func(change func(*bootstrap.Options)) bootstrap.Options {
		o := bootstrap.Options{Filters: []bootstrap.Filter{prime}}
		change(&o)
		return o
	}
	withID := func(id string) bootstrap.Options {
		return with(func(o *bootstrap.Options) {
			o.TLS.SPIFFE = bootstrap.SPIFFE{Socket: "unix:///agent.sock", ServerID: id}
		})
	}
	for want, options := range map[string]bootstrap.Options{
		"no filters":                         {},
		"has no name":                        {Filters: []bootstrap.Filter{{Type: spec.HTTP}}},
		`"hello" is there twice`:             {Filters: []bootstrap.Filter{hello, hello}},
		`has the type "udp"`:                 {Filters: []bootstrap.Filter{{Name: "a", Type: "udp"}}},
		`unknown mode "x"`:                   with(func(o *bootstrap.Options) { o.Mode = "x" }),
		`unknown stats "x"`:                  with(func(o *bootstrap.Options) { o.Stats = "x" }),
		"not between 1ms and 5m0s":           with(func(o *bootstrap.Options) { o.StatsInterval = time.Hour }),
		"timeout -1s is negative":            with(func(o *bootstrap.Options) { o.InitialFetchTimeout = -time.Second }),
		"admin address":                      with(func(o *bootstrap.Options) { o.AdminAddress = "9901" }),
		"Envoy listens on IP addresses":      with(func(o *bootstrap.Options) { o.ListenAddress = "host:1" }),
		"no port between":                    with(func(o *bootstrap.Options) { o.TCPListenAddress = "127.0.0.1:65536" }),
		"no port to connect to":              with(func(o *bootstrap.Options) { o.UpstreamAddress = "127.0.0.1:0" }),
		"cannot be called upstream":          with(func(o *bootstrap.Options) { o.ModulesCluster = "upstream" }),
		`listen address: "unix:///a" is a s`: with(func(o *bootstrap.Options) { o.ListenAddress = "unix:///a" }),
		"TLS needs the CA":                   with(func(o *bootstrap.Options) { o.TLS.CertFile, o.TLS.KeyFile = "/a", "/b" }),
		"its key together":                   with(func(o *bootstrap.Options) { o.TLS.CAFile, o.TLS.CertFile = "/a", "/b" }),
		`the path "a" is not absolute`:       with(func(o *bootstrap.Options) { o.TLS.CAFile = "a" }),
		"not from both": with(func(o *bootstrap.Options) {
			o.TLS.CAFile, o.TLS.SPIFFE.Socket = "/a", "unix:///agent.sock"
		}),
		"the socket of the SPIFFE agent is missing": with(func(o *bootstrap.Options) { o.TLS.SPIFFE.ServerID = "spiffe://a/b" }),
		`"/agent.sock" is no socket`:                with(func(o *bootstrap.Options) { o.TLS.SPIFFE.Socket = "/agent.sock" }),
		`"127.0.0.1:1" is no socket`:                with(func(o *bootstrap.Options) { o.TLS.SPIFFE.Socket = "127.0.0.1:1" }),
		`"https://a/b" is no SPIFFE ID`:             withID("https://a/b"),
		`"spiffe://" is no SPIFFE ID`:               withID("spiffe://"),
		`"spiffe://a/" is no SPIFFE ID`:             withID("spiffe://a/"),
		`"spiffe://a/b?c" is no SPIFFE ID`:          withID("spiffe://a/b?c"),
		"cannot be called spiffe_agent": with(func(o *bootstrap.Options) {
			o.ModulesCluster, o.TLS.SPIFFE.Socket = "spiffe_agent", "unix:///agent.sock"
		}),
		"the path is not absolute":          with(func(o *bootstrap.Options) { o.XDSAddress = "unix://a" }),
		"either an address or servers":      with(func(o *bootstrap.Options) { o.XDSAddress, o.XDSServers = "a:1", []string{"b:1"} }),
		"the module server has either":      with(func(o *bootstrap.Options) { o.ModulesAddress, o.ModulesServers = "a:1", []string{"b:1"} }),
		`"a:1" is there twice`:              with(func(o *bootstrap.Options) { o.ModulesServers = []string{"a:1", "a:1"} }),
		"two servers are on a: name":        with(func(o *bootstrap.Options) { o.XDSServers = []string{"a:1", "a:2"} }),
		`"unix:///a" has no host: name`:     with(func(o *bootstrap.Options) { o.XDSServers = []string{"unix:///a", "a:2"} }),
		"either sockets or DNS names":       with(func(o *bootstrap.Options) { o.ModulesServers = []string{"unix:///a", "a:2"} }),
		"xDS address: address a: missing p": with(func(o *bootstrap.Options) { o.XDSAddress = "a" }),
	} {
		var out strings.Builder
		err := bootstrap.Render(&out, options)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
		if out.Len() > 0 {
			t.Errorf("%s: something was written all the same", want)
		}
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken pipe")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteErrorIsReturned(t *testing.T) {
	err := bootstrap.Render(brokenWriter{}, bootstrap.Options{Filters: []bootstrap.Filter{prime}})
	if !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
}

func render(t *testing.T, o bootstrap.Options) string {
	t.Helper()
	var out strings.Builder
	if err := bootstrap.Render(&out, o); err != nil {
		t.Fatal(fmt.Errorf("%+v: %w", o, err))
	}
	return out.String()
}

func renderListeners(t *testing.T, o bootstrap.Options) string {
	t.Helper()
	var out strings.Builder
	if err := bootstrap.RenderListeners(&out, o); err != nil {
		t.Fatal(fmt.Errorf("%+v: %w", o, err))
	}
	return out.String()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
