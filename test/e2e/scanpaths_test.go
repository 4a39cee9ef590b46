package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

func methods() []string {
	return []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "X-SCAN"}
}

// wellKnownPaths are the paths that scanners ask for.
func wellKnownPaths() []string {
	return []string{
		"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/vars", "/debug/requests", "/debug/events", "/debug/fgprof",
		"/admin", "/config", "/config_dump", "/env", "/actuator/health", "/server-status", "/status", "/stats", "/metrics/", "/health", "/healthz/", "/ready", "/livez",
		"/.git/config", "/.env", "/robots.txt", "/favicon.ico", "/index.html", "/swagger.json", "/openapi.json", "/api", "/api/", "/api/v1/", "/api/v2", "/api/v1/tokens",
		"/api/v1/state", "/api/v1/config", "/quitquitquit", "/shutdown", "/login", "/graphql", "/v3/discovery:extension_configs", "/state.json", "/modules/",
	}
}

// oddPaths are spellings that a server may take for another path.
func oddPaths() []string {
	return []string{
		"/../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/./healthz", "/api/v1/../../healthz", "/api//v1/filters",
		"//scan-canary.example/%2e%2e", "/scan-canary<script>alert(1)</script>", "/%00", "/%0d%0aSet-Cookie:%20scan-canary=1", "/api/v1/filters/..", "/HEALTHZ", "/metrics%20",
		"/api/v1/filters/%2e%2e%2f%2e%2e%2fhealthz", `/\..\..\etc\passwd`, "/api/v1/filters/scan-canary%3Cscript%3E", "/healthz;jsessionid=1", "/" + strings.Repeat("a", 8000),
	}
}

// documentedEndpoints are the endpoints of docs/api.md with a path that needs no name, and those of
// docs/openapi.json, as `METHOD /path`. Both list the API.
func documentedEndpoints(t *testing.T) (all []string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(program.Repository(), "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /[^`]*)` \\|").FindAllSubmatch(page, -1) {
		all = append(all, string(row[1]))
	}
	all = append(all, "GET /api/v1/") // the same as without the slash
	text, err := os.ReadFile(filepath.Join(program.Repository(), "docs", "openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	for path, byMethod := range document.Paths {
		for method := range byMethod {
			if one := strings.ToUpper(method) + " " + path; !slices.Contains(all, one) {
				t.Errorf("docs/api.md does not list %s", one)
			}
		}
	}
	for i, one := range all {
		all[i] = strings.ReplaceAll(one, "{name}", auth)
	}
	return all
}

func pathsOf(endpoints []string) (all []string) {
	for _, one := range endpoints {
		if _, path, _ := strings.Cut(one, " "); !slices.Contains(all, path) {
			all = append(all, path)
		}
	}
	return all
}

// pathsOfSource are the texts of the API's source that are paths: an endpoint that the
// documentation does not list is one of them.
func pathsOfSource(t *testing.T) (all []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(program.Repository(), "internal", "admin", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile("(apiRoot *\\+ *)?\"(?:[A-Z]+ )?(/?[a-z0-9_./-]+)\"").FindAllSubmatch(text, -1) {
			path := string(found[2])
			if len(found[1]) > 0 {
				path = "/api/v1/" + path
			}
			if strings.HasPrefix(path, "/") && !slices.Contains(all, path) {
				all = append(all, path)
			}
		}
	}
	if !slices.Contains(all, "/api/v1/limits") || !slices.Contains(all, "/metrics") {
		t.Errorf("the source does not even have the known paths: %q", all)
	}
	return all
}
