package e2e_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// identified is a scenario with two tenants. Each tenant has a certificate, the Envoys with its
// name, the filter tenant-NAME, and with the other the filter auth.
type identified struct {
	*encrypted
	rules string // the path of the rules
}

const tenantRules = `
others: none
rules:
  - san: spiffe://test/edge/{name}
    nodes: ["{name}", "{name}-*"]
    clusters: [envoy]
    filters: [auth, "tenant-{name}"]
`

func newIdentified(t *testing.T) *identified {
	t.Helper()
	s := &identified{encrypted: newEncrypted(t), rules: filepath.Join(t.TempDir(), "rules.yaml")}
	for _, name := range []string{"a", "b"} {
		s.write("tenant-"+name, tenantModule(name), tenantSecret(name))
	}
	s.setRules(tenantRules)
	s.cp.SetArgs("--tls-cert-file", filepath.Join(s.serverFiles, "tls.crt"), "--tls-key-file", filepath.Join(s.serverFiles, "tls.key"),
		"--client-ca-file", filepath.Join(s.serverFiles, "ca.crt"), "--node-identity", "san", "--node-identity-rules", s.rules)
	s.cp.Restart()
	return s
}

func tenantModule(name string) []byte {
	return testfilter.HTTP{Stamp: name, StampHeader: "x-tenant"}.Module()
}

func tenantSecret(name string) string {
	return "config: SECRET-CONFIG-" + name + "\nvm: {env: {KEY: SECRET-ENV-" + name + "}}\n"
}

func (s *identified) setRules(text string) { harness.WriteFile(s.t, s.rules, []byte(text)) }

// certificate returns a directory with the certificate of a tenant.
func (s *identified) certificate(name string) string {
	s.t.Helper()
	dir := s.t.TempDir()
	s.clients.Issue(s.t, pki.Request{URI: "spiffe://test/edge/" + name}).WriteFiles(s.t, dir)
	pki.WriteFile(s.t, filepath.Join(dir, "ca.crt"), s.servers.PEM())
	return dir
}

// config returns the client's TLS with the certificate of a tenant.
func (s *identified) config(name string) *tls.Config {
	c := s.servers.Client()
	c.Certificates = []tls.Certificate{s.clients.Issue(s.t, pki.Request{URI: "spiffe://test/edge/" + name}).TLS(s.t)}
	return c
}

// filters returns a directory with specs of these names, for the bootstrap of an Envoy.
func (s *identified) filters(names ...string) string {
	s.t.Helper()
	dir := s.t.TempDir()
	for _, name := range names {
		harness.WriteFilter(s.t, dir, name, authModule("any"), "")
	}
	return dir
}

// hasNothingOf expects an Envoy that has got nothing of a tenant: no configuration, no environment,
// no module and no revision.
func (s *identified) hasNothingOf(envoy *harness.EnvoyProcess, name string) {
	s.t.Helper()
	f, ok := s.cp.Filter("tenant-" + name)
	if !ok || f.Revision == "" {
		s.t.Fatalf("the filter of tenant %s has no revision", name)
	}
	dump := envoy.ConfigDump("")
	for _, text := range []string{"SECRET-CONFIG-" + name, "SECRET-ENV-" + name, f.Module.SHA256, f.Revision} {
		if strings.Contains(dump, text) {
			s.t.Errorf("the Envoy has %q", text)
		}
	}
}

// get asks the module server for a module with the certificate of a tenant.
func (s *identified) get(method, tenant string, module []byte) (int, string) {
	s.t.Helper()
	client := http.Client{Timeout: harness.Deadline, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: s.config(tenant)}}
	url := "https://" + s.cp.ModulesAddress() + "/modules/" + harness.SHA256(module) + ".wasm"
	r, err := http.NewRequestWithContext(s.t.Context(), method, url, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// An Envoy that names another's node id, another cluster or another's filter gets nothing of it,
// and neither does one that knows the sha256 of another's module. The right Envoy serves all the
// time, also while the rules change.
func TestNodeIdentity(t *testing.T) {
	for _, version := range []string{"1.40.0", "1.36.4"} {
		t.Run(version, func(t *testing.T) {
			s := newIdentified(t)
			right, web := s.startWith(s.filters(auth, "tenant-a"), version, s.certificate("a"), "--node-id", "a")
			right.WaitReady()
			s.cp.WaitLive("tenant-a", tenantModule("a"), 1)
			live := s.cp.WaitLive(auth, authModule("v1"), 1)
			if got := live.Subscribers[0].Identity; got != "spiffe://test/edge/a" {
				t.Errorf("the subscriber is known as %q", got)
			}
			if dump := right.ConfigDump(""); !strings.Contains(dump, "SECRET-CONFIG-a") {
				t.Error("the dump of the right Envoy does not have its configuration: the test would notice nothing")
			}
			traffic := s.traffic(web)
			traffic.live("v1")

			cert := s.certificate("b")
			liar, _ := s.startWith(s.filters(auth, "tenant-a"), version, cert, "--node-id", "a")
			s.cp.WaitLog("node id a is not for a client with the certificate of spiffe://test/edge/b")
			liar.WaitLog("wasm-xds ends this stream: node id a is not for a client")
			s.hasNothingOf(liar, "a")
			if n := liar.FilterStats("tenant-a")["update_success"] + liar.FilterStats(auth)["update_success"]; n != 0 {
				t.Errorf("the Envoy with another's node id got %d resources", n)
			}
			liar.Stop()
			stray, _ := s.startWith(s.filters(auth, "tenant-b"), version, cert, "--node-id", "b", "--node-cluster", "core")
			s.cp.WaitLog(`node id b is not in the cluster \"core\"`)
			s.hasNothingOf(stray, "b")
			if n := stray.FilterStats("tenant-b")["update_success"]; n != 0 {
				t.Errorf("the Envoy in another cluster got %d resources", n)
			}
			stray.Stop()

			curious, web2 := s.startWith(s.filters("tenant-a", "tenant-b"), version, cert, "--node-id", "b")
			curious.WaitReady()
			s.cp.WaitLive("tenant-b", tenantModule("b"), 1)
			denied := func(f harness.FilterStatus) bool {
				for _, sub := range f.Here() {
					if sub.Node == "b" {
						return sub.State == "denied" && sub.Variant == "deny" && sub.Error.CodeOrNone() == "not_allowed"
					}
				}
				return false
			}
			s.cp.WaitFilter("tenant-a", denied)
			s.hasNothingOf(curious, "a")
			if answer := harness.Get(t, web2, nil); answer.Status != http.StatusServiceUnavailable {
				t.Errorf("without the filter, requests get %d", answer.Status)
			}
			for _, tt := range []struct {
				tenant, module string
				want           int
			}{{"a", "a", http.StatusOK}, {"b", "b", http.StatusOK}, {"b", "a", http.StatusNotFound}, {"a", "b", http.StatusNotFound}, {"c", "a", http.StatusNotFound}} {
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					code, body := s.get(method, tt.tenant, tenantModule(tt.module))
					if code != tt.want {
						t.Errorf("%s: tenant %s gets %d for the module of %s", method, tt.tenant, code, tt.module)
					}
					if method == http.MethodGet && code == http.StatusNotFound && body != "no filter with this module is served to this client\n" {
						t.Errorf("the refusal is %q", body)
					}
				}
			}

			// The rules change: b may have the filter of a, and then not any more.
			s.setRules(strings.Replace(tenantRules, `"tenant-{name}"`, `"tenant-*"`, 1))
			s.cp.WaitLive("tenant-a", tenantModule("a"), 2)
			if code, _ := s.get(http.MethodGet, "b", tenantModule("a")); code != http.StatusOK {
				t.Errorf("the module is %d now", code)
			}
			s.setRules(strings.Replace(tenantRules, "filters:", "filtres:", 1))
			s.cp.WaitLog("the new rules of --node-identity-rules cannot be used")
			if n := s.metric("wasm_xds_identity_rules_error"); n != 1 {
				t.Errorf("the metric of the rules is %v", n)
			}
			s.swap("tenant-a", tenantModule("a2"), tenantSecret("a"), 2) // b is served by the last good rules
			s.setRules(tenantRules)
			s.cp.WaitFilter("tenant-a", denied)
			s.hasNothingOf(curious, "a")
			// A stream ends if its client may not be its node any more.
			s.setRules(strings.ReplaceAll(tenantRules, "{name}", "a"))
			curious.WaitLog("wasm-xds ends this stream: node id b is not for a client")
			s.setRules(tenantRules)
			s.cp.WaitLive("tenant-b", tenantModule("b"), 1)

			s.swap(auth, authModule("v2"), "delivery: remote", 1)
			traffic.live("v2")
			traffic.end()
			for _, claim := range []string{"node", "cluster", "filter", "module"} {
				if n := s.metric(`wasm_xds_identity_refusals_total{claim="` + claim + `"}`); n == 0 {
					t.Errorf("no refused claim %s is counted", claim)
				}
			}
			if n := strings.Count(s.cp.Log(), `"node id a is not for a client with the certificate of spiffe://test/edge/b, localhost"`); n != 1 {
				t.Errorf("the claim is logged %d times", n)
			}
		})
	}
}

// A client that begins with its own node and changes to another's in a later request is ended, and
// gets nothing of the other.
func TestNodeIdentityOfLaterRequests(t *testing.T) {
	s := newIdentified(t)
	// An Envoy proves that the revision loads, so each client gets the revision at once.
	s.startWith(s.filters("tenant-b"), "", s.certificate("b"), "--node-id", "b")
	s.cp.WaitLive("tenant-b", tenantModule("b"), 1)
	conn, err := grpc.NewClient(s.cp.XDSAddress(), grpc.WithTransportCredentials(credentials.NewTLS(s.config("b"))))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ads := discoveryv3.NewAggregatedDiscoveryServiceClient(conn)
	own := refuserIdentity()
	own.Id, own.Cluster = "b", "envoy"
	others := map[string]*corev3.Node{
		"id":      {Id: "a", Cluster: "envoy"},
		"cluster": {Id: "b", Cluster: "core"},
		"own":     {Id: "b-2", Cluster: "envoy"}, // allowed, but another node than the stream's
	}
	for name, other := range others {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), harness.Deadline)
			defer cancel()
			delta, err := ads.DeltaAggregatedResources(ctx)
			if err != nil {
				t.Fatal(err)
			}
			ask := func(node *corev3.Node, filter string) {
				_ = delta.Send(&discoveryv3.DeltaDiscoveryRequest{Node: node, TypeUrl: resourcev3.ExtensionConfigType, ResourceNamesSubscribe: []string{filter}})
			}
			ask(own, "tenant-b")
			if r, err := delta.Recv(); err != nil || !strings.Contains(asText(t, r), "SECRET-CONFIG-b") {
				t.Fatalf("its own filter: %v, %v", r, err)
			}
			ask(proto.Clone(own).(*corev3.Node), "tenant-b") // the same node again
			ask(other, "tenant-a")
			for {
				r, err := delta.Recv()
				if err == nil && !strings.Contains(asText(t, r), "SECRET-CONFIG-a") {
					continue
				}
				if status.Code(err) != codes.PermissionDenied {
					t.Errorf("delta: %v, %v", r, err)
				}
				break
			}

			sotw, err := ads.StreamAggregatedResources(ctx)
			if err != nil {
				t.Fatal(err)
			}
			_ = sotw.Send(&discoveryv3.DiscoveryRequest{Node: own, TypeUrl: resourcev3.ExtensionConfigType, ResourceNames: []string{"tenant-b"}})
			r, err := sotw.Recv()
			if err != nil || !strings.Contains(asText(t, r), "SECRET-CONFIG-b") {
				t.Fatalf("its own filter: %v, %v", r, err)
			}
			_ = sotw.Send(&discoveryv3.DiscoveryRequest{
				Node: other, TypeUrl: resourcev3.ExtensionConfigType, ResourceNames: []string{"tenant-a"}, VersionInfo: r.GetVersionInfo(), ResponseNonce: r.GetNonce(),
			})
			if r, err := sotw.Recv(); status.Code(err) != codes.PermissionDenied {
				t.Errorf("SotW: %v, %v", r, err)
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), harness.Deadline)
	defer cancel()
	for _, names := range [][]string{{"*"}, {"tenant-a"}, nil} {
		delta, err := ads.DeltaAggregatedResources(ctx)
		if err != nil {
			t.Fatal(err)
		}
		_ = delta.Send(&discoveryv3.DeltaDiscoveryRequest{
			Node: own, TypeUrl: resourcev3.ExtensionConfigType, ResourceNamesSubscribe: append(names, "tenant-b"),
			InitialResourceVersions: map[string]string{"tenant-a": s.version("tenant-a")},
		})
		for seen := ""; !strings.Contains(seen, "SECRET-CONFIG-b"); {
			r, err := delta.Recv()
			if err != nil {
				t.Fatal(err)
			}
			seen = asText(t, r)
			if strings.Contains(seen, "SECRET-CONFIG-a") {
				t.Errorf("%v: another's filter", names)
			}
			_ = delta.Send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: resourcev3.ExtensionConfigType, ResponseNonce: r.GetNonce()})
		}
		_ = delta.CloseSend()
	}
}

// version is a version of the newest revision of a filter, as a client that ran it would name.
func (s *identified) version(name string) string {
	f, _ := s.cp.Filter(name)
	return f.Revision + ".i0000000000000001"
}

// asText has all texts of a response.
func asText(t *testing.T, m proto.Message) string {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
