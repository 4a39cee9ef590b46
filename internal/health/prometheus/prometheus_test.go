package prometheus_test

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/health/prometheus"
	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const vector = `{"status":"success","data":{"resultType":"vector","result":[` +
	`{"metric":{"a":"1"},"value":[1,"0.25"]},{"metric":{"a":"2"},"value":[1,"0.5"]}]}}`

// TestAnswers lists the answers of servers.
func TestAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		status  int
		body    string
		samples []float64
		err     string
	}{
		"a vector":         {200, vector, []float64{0.25, 0.5}, ""},
		"a scalar":         {200, `{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}`, []float64{7}, ""},
		"nothing":          {200, `{"status":"success","data":{"resultType":"vector","result":[]}}`, nil, ""},
		"a matrix":         {200, `{"status":"success","data":{"resultType":"matrix","result":[]}}`, nil, "is a matrix"},
		"a wrong query":    {400, `{"status":"error","errorType":"bad_data","error":"1:1: parse error: no expression"}`, nil, "refuses the query: 1:1: parse error"},
		"no authorization": {401, "no", nil, "refuses the query: client error: 401"},
		"an error":         {503, "<html>", nil, "server error: 503"},
		"no JSON":          {200, "<html>hello", nil, "refuses the query"},
		"too much":         {200, strings.Repeat(" ", 2<<20), nil, "more than 1048576 bytes"},
		"a long reason":    {400, `{"status":"error","errorType":"bad_data","error":"` + strings.Repeat("é", 1000) + `"}`, nil, "…"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/prom/api/v1/query" {
					t.Errorf("the path is %s", r.URL.Path)
				}
				w.WriteHeader(test.status)
				fmt.Fprint(w, test.body)
			}))
			defer server.Close()
			a := prometheus.Asker{}.Ask(t.Context(), spec.PrometheusLimit{URL: server.URL + "/prom", Query: "up"}, prometheus.Variables{})
			if !slices.Equal(a.Samples, test.samples) || (a.Err == "") != (test.err == "") || !strings.Contains(a.Err, test.err) {
				t.Errorf("the answer is %v, %q", a.Samples, a.Err)
			}
			if len(a.Err) > 400 {
				t.Errorf("the error has %d bytes", len(a.Err))
			}
		})
	}
}

// TestUnreachable shows an address is judged as the addresses of modules are, and that errors
// have neither URL nor query.
func TestUnreachable(t *testing.T) {
	limit := spec.PrometheusLimit{URL: "http://127.0.0.1:1/secret", Query: "hunter2"}
	if a := (prometheus.Asker{}).Ask(t.Context(), limit, prometheus.Variables{}); !strings.Contains(a.Err, "connection refused") ||
		strings.Contains(a.Err, "secret") || strings.Contains(a.Err, "hunter2") {
		t.Errorf("%q", a.Err)
	}
	strict := prometheus.Asker{Guard: netguard.Guard{DenyPrivate: true}}
	if a := strict.Ask(t.Context(), limit, prometheus.Variables{}); !strings.Contains(a.Err, "private network") {
		t.Errorf("%q", a.Err)
	}
	limit.URL = "http://169.254.169.254/"
	if a := (prometheus.Asker{}).Ask(t.Context(), limit, prometheus.Variables{}); !strings.Contains(a.Err, "metadata service") {
		t.Errorf("%q", a.Err)
	}
}

// TestCredentials shows a credential reaches the server of the spec and no other.
func TestCredentials(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "" {
			t.Errorf("another server gets %q", got)
		}
		fmt.Fprint(w, vector)
	}))
	defer other.Close()
	authorization := ""
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
		if strings.HasPrefix(r.URL.Path, "/away") {
			http.Redirect(w, r, other.URL+"/api/v1/query", http.StatusTemporaryRedirect)
			return
		}
		fmt.Fprint(w, vector)
	}))
	defer server.Close()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := file("ca.pem", string(pemOf(server)))
	token, password := file("token", "abc\n"), file("password", "anna:b:c\n")
	for name, test := range map[string]struct {
		limit spec.PrometheusLimit
		want  string
		err   string
	}{
		"token":             {spec.PrometheusLimit{URL: server.URL, CAFile: ca, TokenFile: token}, "Bearer abc", ""},
		"password":          {spec.PrometheusLimit{URL: server.URL, CAFile: ca, PasswordFile: password}, "Basic YW5uYTpiOmM=", ""},
		"no user":           {spec.PrometheusLimit{URL: server.URL, CAFile: ca, PasswordFile: token}, "", "no line user:password"},
		"no file":           {spec.PrometheusLimit{URL: server.URL, CAFile: ca, TokenFile: dir + "/none"}, "", "no such file"},
		"outside":           {spec.PrometheusLimit{URL: server.URL, CAFile: ca, TokenFile: "/etc/passwd", Bounds: &spec.Bounds{Roots: []string{dir}}}, "", "cannot be read"},
		"no authority":      {spec.PrometheusLimit{URL: server.URL, TokenFile: token}, "", "cannot be reached"},
		"no PEM":            {spec.PrometheusLimit{URL: server.URL, CAFile: token}, "", "no certificate"},
		"away to plaintext": {spec.PrometheusLimit{URL: server.URL + "/away", CAFile: ca, TokenFile: token}, "Bearer abc", "redirect refused"},
	} {
		t.Run(name, func(t *testing.T) {
			authorization = ""
			a := prometheus.Asker{}.Ask(t.Context(), test.limit, prometheus.Variables{})
			if authorization != test.want || (a.Err == "") != (test.err == "") || !strings.Contains(a.Err, test.err) {
				t.Errorf("the server got %q, the answer is %v %q", authorization, a.Samples, a.Err)
			}
		})
	}
	plain := httptest.NewServer(http.RedirectHandler(other.URL+"/api/v1/query", http.StatusTemporaryRedirect))
	defer plain.Close()
	if a := (prometheus.Asker{}).Ask(t.Context(), spec.PrometheusLimit{URL: plain.URL, TokenFile: token}, prometheus.Variables{}); a.Err != "" {
		t.Errorf("a redirect to another host: %q", a.Err)
	}
}

// TestVariables shows that node ids reach the query as text, whatever they are.
func TestVariables(t *testing.T) {
	query := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query = r.FormValue("query")
		fmt.Fprint(w, vector)
	}))
	defer server.Close()
	limit := spec.PrometheusLimit{URL: server.URL, Query: `errors{node=~"$canaries", other!~"$stable", filter="$filter", revision='$revision'}`}
	v := prometheus.Variables{Filter: "auth", Revision: "0123", Canaries: []string{"b", "a.1", `c"} or up{x='`, "b"}}
	if a := (prometheus.Asker{}).Ask(t.Context(), limit, v); a.Err != "" {
		t.Fatal(a.Err)
	}
	want := `errors{node=~"a\\.1|b|c\x22\\} or up\\{x=\x27", other!~"", filter="auth", revision='0123'}`
	if query != want {
		t.Errorf("the query is\n%s, not\n%s", query, want)
	}
}

func pemOf(server *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}
