package adopt_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
)

// probe is a question to a listener. The answer does not depend on the time.
type probe struct {
	name   string
	port   int
	path   string // of HTTP
	host   string // of HTTP; with TLS the SNI, too
	tls    bool
	tcp    bool
	grpc   bool
	header http.Header
}

// token is the header for the filter auth.
func token() http.Header { return http.Header{"Token": {"ok"}} }

// ask returns the answer as text, without the parts that change from request to request.
func (w *world) ask(p probe) string {
	w.t.Helper()
	switch {
	case p.tcp:
		return w.askTCP(p)
	case p.grpc:
		return w.askGRPC(p)
	default:
		return w.askHTTP(p)
	}
}

// answers asks all questions.
func (w *world) answers(probes []probe) map[string]string {
	w.t.Helper()
	all := map[string]string{}
	for _, p := range probes {
		all[p.name] = w.ask(p)
	}
	return all
}

// patience bounds a question.
const patience = 30 * time.Second

func (w *world) askHTTP(p probe) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	scheme, host := "http", "envoy"
	if p.tls {
		scheme = "https"
	}
	if p.host != "" {
		host = p.host
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+host+p.path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if p.header != nil {
		r.Header = p.header.Clone()
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: w.ca.Pool(), ServerName: p.host, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, w.address(p.port))
		},
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		w.t.Fatalf("%s: %v", p.name, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatalf("%s: %v", p.name, err)
	}
	var lines []string
	for name, values := range res.Header {
		if !slices.Contains([]string{"Date", "X-Envoy-Upstream-Service-Time"}, name) {
			lines = append(lines, name+": "+strings.Join(values, ", "))
		}
	}
	slices.Sort(lines)
	return fmt.Sprintf("%d\n%s\n\n%s", res.StatusCode, strings.Join(lines, "\n"), body)
}

func (w *world) askTCP(p probe) string {
	w.t.Helper()
	conn, err := net.DialTimeout("tcp", w.address(p.port), patience)
	if err != nil {
		w.t.Fatalf("%s: %v", p.name, err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, "hello\n"); err != nil {
		w.t.Fatalf("%s: %v", p.name, err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		w.t.Fatalf("%s: %v", p.name, err)
	}
	return line
}

func (w *world) askGRPC(p probe) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	var pairs []string
	for name, values := range p.header {
		pairs = append(pairs, name, values[0])
	}
	ctx = metadata.AppendToOutgoingContext(ctx, pairs...)
	conn, err := grpc.NewClient(w.address(p.port), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	var header metadata.MD
	answer, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{Service: "app"}, grpc.Header(&header))
	stamp := ""
	if len(header.Get("x-filter")) > 0 {
		stamp = "X-Filter: " + header.Get("x-filter")[0]
	}
	return fmt.Sprintf("%s, %v\n%s", answer.GetStatus(), err, stamp)
}

// withoutStamp removes the filter auth's header, and says whether the answer had the header.
func withoutStamp(answer string) (string, bool) {
	for _, stamp := range []string{"X-Filter: auth\n", "X-Filter: auth"} {
		if before, after, ok := strings.Cut(answer, stamp); ok {
			return before + after, true
		}
	}
	return answer, false
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
