package envoyfacts

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
	"github.com/wasm-xds/wasm-xds/internal/test/spiffetest"
)

// agentBootstrap leads TCP connections over TLS to a server. Envoy has its certificate and the CA
// from a SPIFFE agent, as `wasm-xds bootstrap --spiffe-socket` writes it.
const agentBootstrap = `
node: {id: a, cluster: b}
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
static_resources:
  listeners:
  - name: tcp
    address: {socket_address: {address: 127.0.0.1, port_value: %d}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.tcp_proxy
        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: tcp, cluster: server}
  clusters:
  - name: server
    type: STATIC
    load_assignment: {cluster_name: server, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}}]}]}
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        common_tls_context:
          tls_certificate_sds_secret_configs:
          - name: default
            sds_config: &agent
              resource_api_version: V3
              api_config_source: {api_type: GRPC, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: agent}}]}
          combined_validation_context:
            default_validation_context:
              match_typed_subject_alt_names: [{san_type: URI, matcher: {exact: "spiffe://example.org/server"}}]
            validation_context_sds_secret_config: {name: ROOTCA, sds_config: *agent}
  - name: agent
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {}}
    load_assignment: {cluster_name: agent, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: %s}}}}]}]}
`

// secured is a server behind an Envoy with certificates from an agent.
type secured struct {
	t           *testing.T
	ca          *pki.CA
	agent       *spiffetest.Agent
	certificate atomic.Pointer[tls.Certificate] // of the server
	address     string                          // of Envoy
	envoy       *harness.EnvoyProcess
}

// startSecured starts all but the agent. The server gives tickets for resumed sessions, or not.
func startSecured(t *testing.T, version string, tickets bool) *secured {
	t.Helper()
	s := &secured{t: t, ca: pki.NewCA(t, "ca"), agent: spiffetest.New(t)}
	s.serve(s.ca, "spiffe://example.org/server")
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS.PeerCertificates[0].URIs[0])
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	var ticketKey [32]byte
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		c := &tls.Config{
			Certificates: []tls.Certificate{*s.certificate.Load()}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: s.ca.Pool(),
			SessionTicketsDisabled: !tickets,
		}
		c.SetSessionTicketKeys([][32]byte{ticketKey})
		return c, nil
	}}
	server.StartTLS()
	t.Cleanup(server.Close)
	port := harness.FreePort(t)
	s.address = harness.Loopback(port)
	s.envoy = harness.StartEnvoy(t, harness.EnvoyOptions{
		Version: version, Bootstrap: fmt.Sprintf(agentBootstrap, port, server.Listener.Addr().(*net.TCPAddr).Port, s.agent.Socket()[len("unix://"):]),
	})
	return s
}

// serve has the server show another certificate.
func (s *secured) serve(ca *pki.CA, id string) {
	c := ca.Issue(s.t, pki.Request{URI: id}).TLS(s.t)
	s.certificate.Store(&c)
}

func (s *secured) give(plain bool, cas ...*pki.CA) {
	const id = "spiffe://example.org/envoy"
	s.agent.Give(spiffetest.Answer{
		SVIDs:   []spiffetest.SVID{{ID: id, Pair: s.ca.Issue(s.t, pki.Request{URI: id})}},
		Bundles: map[string][]*pki.CA{"example.org": cas}, PlainCA: plain,
	})
}

// ask sends a request through Envoy, and reports whether the server has answered.
func (s *secured) ask() bool {
	conn, err := net.DialTimeout("tcp", s.address, harness.Deadline)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(harness.Deadline))
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		return false
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// waitAnswer waits for an answer of the server.
func (s *secured) waitAnswer() {
	s.t.Helper()
	if !harness.Poll(s.t.Context(), s.ask) {
		s.t.Fatalf("no answer\n%s", s.envoy.Log())
	}
}

// An Envoy that starts before its agent opens its listener, and has no connection to the server.
// When the agent comes, Envoy connects. When the agent goes, Envoy goes on as before.
func TestAgentComesLaterAndGoes(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		s := startSecured(t, version, false)
		s.envoy.WaitStat("cluster.agent.upstream_cx_connect_fail", 1)
		if s.ask() {
			t.Error("an answer without an agent")
		}
		s.agent.Restart()
		s.give(false, s.ca)
		s.waitAnswer()
		failed := s.envoy.Stat("cluster.agent.upstream_cx_connect_fail")
		s.agent.Stop()
		s.envoy.WaitStat("cluster.agent.upstream_cx_connect_fail", failed+1)
		for range 3 {
			if !s.ask() {
				t.Errorf("no answer after the end of the agent\n%s", s.envoy.Log())
			}
		}
	})
}

// The agent's SDS gives a CA or a SPIFFE validator. With both, Envoy also checks the name that its
// own configuration has beside them. The validator also checks the trust domain.
func TestSDSValidationKeepsTheNames(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		for _, plain := range []bool{true, false} {
			s := startSecured(t, version, false)
			s.agent.Restart()
			s.serve(s.ca, "spiffe://example.org/server")
			s.give(plain, s.ca)
			s.waitAnswer()
			s.serve(s.ca, "spiffe://example.org/another")
			if s.ask() {
				t.Errorf("plain CA %v: a server with another name is accepted", plain)
			}
			s.serve(pki.NewCA(t, "others"), "spiffe://example.org/server")
			if s.ask() {
				t.Errorf("plain CA %v: a server of another CA is accepted", plain)
			}
		}
	})
}

// Envoy resumes sessions, and does not look at the server's certificate again.
func TestResumedSessionsAreNotVerified(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		s := startSecured(t, version, true)
		s.agent.Restart()
		s.give(true, s.ca)
		s.waitAnswer()
		s.serve(pki.NewCA(t, "others"), "spiffe://example.org/another")
		if !s.ask() {
			t.Errorf("Envoy has no answer\n%s", s.envoy.Log())
		}
	})
}
