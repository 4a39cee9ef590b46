package xds

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/identity"
	"github.com/wasm-xds/wasm-xds/internal/signal"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
)

// identifying is a server with identified clients, and with rules for tests to replace.
type identifying struct {
	*Server
	conn    *grpc.ClientConn
	events  recorder
	refused chan RefusedClaim
	rules   atomic.Pointer[identity.Rules]
}

func (s *identifying) setRules(t *testing.T, text string) {
	t.Helper()
	r, err := identity.Parse("rules.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s.rules.Store(r)
}

// startIdentifying starts a server, and connects a client with a certificate for this URI.
func startIdentifying(t *testing.T, uri, rules string) *identifying {
	t.Helper()
	s := &identifying{events: make(recorder, 100), refused: make(chan RefusedClaim, 100)}
	s.setRules(t, rules)
	s.Server = NewServer(t.Context(), s.events, named{}, Limits{}, zap.NewNop())
	s.TakeReports(signal.NewStore(signal.Limits{}))
	s.Identify(Identities{
		Decide: func(c identity.Certificate, node, cluster string) (*identity.Grant, *identity.Refusal) {
			return s.rules.Load().Decide(c, node, cluster)
		},
		Refused: func(r RefusedClaim) { s.refused <- r },
	})
	servers, clients := pki.NewCA(t, "servers"), pki.NewCA(t, "clients")
	g := grpc.NewServer(append(GRPCOptions(Limits{}), grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{servers.Issue(t, pki.Request{}).TLS(t)}, ClientCAs: clients.Pool(),
		ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
	})))...)
	s.Register(g)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = g.Serve(l) // the error only says that the server was stopped
	}()
	config := servers.Client()
	config.Certificates = []tls.Certificate{clients.Issue(t, pki.Request{URI: uri}).TLS(t)}
	s.conn, err = grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.conn.Close()
		g.Stop()
		<-ended
		s.Stop()
	})
	return s
}

const someRules = "others: none\nrules: [{san: 'spiffe://prod/{name}', nodes: ['{name}', '{name}-2'], clusters: [edge], filters: ['{name}-*']}]"

// A stream that claims to be another's ends before delivery hears of it. A later request with
// another node ends the stream, too.
func TestIdentifiedStreams(t *testing.T) {
	for _, isDelta := range []bool{true, false} {
		for _, tt := range []struct {
			name          string
			first, second *corev3.Node
			claim         identity.Claim // "": the stream goes on
		}{
			{"itself", &corev3.Node{Id: "one", Cluster: "edge"}, nil, ""},
			{"the same node again", &corev3.Node{Id: "one", Cluster: "edge"}, &corev3.Node{Id: "one", Cluster: "edge"}, ""},
			{"an empty node", &corev3.Node{Id: "one", Cluster: "edge"}, &corev3.Node{}, ""},
			{"another's node id", &corev3.Node{Id: "two", Cluster: "edge"}, nil, identity.ClaimNode},
			{"another cluster", &corev3.Node{Id: "one", Cluster: "core"}, nil, identity.ClaimCluster},
			{"no cluster", &corev3.Node{Id: "one"}, nil, identity.ClaimCluster},
			{"no node id", &corev3.Node{Cluster: "edge"}, nil, identity.ClaimNode},
			{"no node", nil, nil, identity.ClaimNode},
			{"another's node id later", &corev3.Node{Id: "one", Cluster: "edge"}, &corev3.Node{Id: "two", Cluster: "edge"}, identity.ClaimNode},
			{"another cluster later", &corev3.Node{Id: "one", Cluster: "edge"}, &corev3.Node{Id: "one", Cluster: "core"}, identity.ClaimNode},
			{"another own node id later", &corev3.Node{Id: "one", Cluster: "edge"}, &corev3.Node{Id: "one-2", Cluster: "edge"}, identity.ClaimNode},
		} {
			t.Run(fmt.Sprintf("%s/delta=%t", tt.name, isDelta), func(t *testing.T) {
				s := startIdentifying(t, "spiffe://prod/one", someRules)
				send, ended := s.open(t, isDelta)
				send(tt.first, "one-auth")
				told := tt.claim == "" || tt.second != nil
				if told {
					opened := next[delivery.StreamOpened](t, s.events)
					if n := opened.Node; n.Identity != "spiffe://prod/one" || n.Certificate == "" || !n.Access.Allows("one-auth") || n.Access.Allows("two-auth") {
						t.Errorf("delivery hears of %+v", n)
					}
					next[delivery.Requested](t, s.events)
				}
				if tt.second != nil {
					send(tt.second, "one-more")
				}
				if tt.claim == "" {
					if tt.second != nil {
						next[delivery.Requested](t, s.events)
					}
					if len(s.refused) > 0 {
						t.Errorf("refused: %+v", <-s.refused)
					}
					return
				}
				err := ended()
				if status.Code(err) != codes.PermissionDenied || !strings.Contains(err.Error(), "spiffe://prod/one") {
					t.Fatalf("the stream ends with %v", err)
				}
				if r := <-s.refused; r.Claim != tt.claim || r.Address == "" || r.Hint == "" {
					t.Errorf("%+v", r)
				}
				if told {
					next[delivery.StreamClosed](t, s.events)
				}
				if len(s.events) > 0 {
					t.Errorf("delivery hears of %T", <-s.events)
				}
			})
		}
	}
}

// open opens a stream. send sends a request, and ended returns the error that ends the stream.
func (s *identifying) open(t *testing.T, isDelta bool) (send func(node *corev3.Node, name string), ended func() error) {
	t.Helper()
	c := discoveryv3.NewAggregatedDiscoveryServiceClient(s.conn)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	if isDelta {
		str, err := c.DeltaAggregatedResources(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return func(node *corev3.Node, name string) {
			_ = str.Send(&discoveryv3.DeltaDiscoveryRequest{Node: node, TypeUrl: resourcev3.ExtensionConfigType, ResourceNamesSubscribe: []string{name}})
		}, func() error { _, err := str.Recv(); return err }
	}
	str, err := c.StreamAggregatedResources(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return func(node *corev3.Node, name string) {
		_ = str.Send(&discoveryv3.DiscoveryRequest{Node: node, TypeUrl: resourcev3.ExtensionConfigType, ResourceNames: []string{name}})
	}, func() error { _, err := str.Recv(); return err }
}

// New rules end a stream that may not go on, change the access of another, and leave others alone.
func TestRecheck(t *testing.T) {
	s := startIdentifying(t, "spiffe://prod/one", someRules)
	send, ended := s.open(t, true)
	send(&corev3.Node{Id: "one", Cluster: "edge"}, "two-auth")
	opened := next[delivery.StreamOpened](t, s.events)
	next[delivery.Requested](t, s.events)
	if r := <-s.refused; r.Claim != identity.ClaimFilter || r.Text != "two-auth" {
		t.Errorf("%+v", r)
	}
	s.Recheck()
	s.setRules(t, someRules+"\n# a comment")
	s.Recheck()
	s.setRules(t, strings.Replace(someRules, "'{name}-*'", "'*'", 1))
	s.Recheck()
	if e := next[delivery.AccessChanged](t, s.events); e.Stream != opened.Stream || !e.Access.Allows("two-auth") {
		t.Errorf("%+v", e)
	}
	s.setRules(t, strings.ReplaceAll(someRules, "{name}", "two"))
	s.Recheck()
	if err := ended(); status.Code(err) != codes.PermissionDenied {
		t.Errorf("the stream ends with %v", err)
	}
	next[delivery.StreamClosed](t, s.events)
	if len(s.events) > 0 {
		t.Errorf("delivery hears of %T", <-s.events)
	}
}
