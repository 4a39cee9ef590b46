package registrytest_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"oras.land/oras-go/v2/content"

	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPush(t *testing.T) {
	for name, options := range map[string]registrytest.Options{
		"plain":       {},
		"TLS":         {TLS: true},
		"basic":       {User: "ann", Password: "secret"},
		"basic, TLS":  {TLS: true, User: "ann", Password: "secret"},
		"token":       {Token: true, User: "ann", Password: "secret"},
		"token, TLS":  {TLS: true, Token: true, User: "ann", Password: "secret"},
		"open tokens": {Token: true},
	} {
		t.Run(name, func(t *testing.T) { testPush(t, registrytest.Start(t, options)) })
	}
	t.Run("Debian's", func(t *testing.T) { testPush(t, registrytest.Debian(t)) })
}

func testPush(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	module := []byte("\x00asm\x01\x00\x00\x00")
	for name, image := range map[string]registrytest.Image{
		"artifact": registrytest.Artifact(module),
		"docker":   registrytest.DockerCompat(module),
		"index":    registrytest.Index(registrytest.Compat(module).For("linux/amd64"), registrytest.Artifact(module).For("wasip1/wasm")),
	} {
		want := r.Push(t, "team/"+name+":v1", image)
		found, body, err := r.Repository("team/"+name).FetchReference(t.Context(), "v1")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, err := content.ReadAll(body, found)
		body.Close()
		if err != nil || found.Digest.String() != want || !bytes.Contains(text, []byte("schemaVersion")) {
			t.Errorf("%s: %v, %v, want %s", name, found, err, want)
		}
	}
}

func TestUnauthorized(t *testing.T) {
	for _, options := range []registrytest.Options{{User: "ann", Password: "secret"}, {Token: true, User: "ann", Password: "secret"}} {
		r := registrytest.Start(t, options)
		response := get(t, r, "/v2/")
		if response.StatusCode != http.StatusUnauthorized || response.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%+v answers %s", options, response.Status)
		}
	}
}

func TestStopAndRestart(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	digest := r.Push(t, "x:v1", registrytest.Artifact([]byte("bytes")))
	r.Stop()
	if _, err := r.Repository("x").Resolve(t.Context(), "v1"); err == nil {
		t.Error("a stopped registry answers")
	}
	r.Restart(t)
	found, err := r.Repository("x").Resolve(t.Context(), "v1")
	if err != nil || found.Digest.String() != digest {
		t.Errorf("%v, %v, want %s", found.Digest, err, digest)
	}
}

func TestWrap(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/v2/") {
				w.WriteHeader(http.StatusTeapot)
				return
			}
			next.ServeHTTP(w, r)
		})
	}})
	if response := get(t, r, "/v2/"); response.StatusCode != http.StatusTeapot {
		t.Error(response.Status)
	}
	if response := get(t, r, "/v2/_catalog"); response.StatusCode != http.StatusOK {
		t.Error(response.Status)
	}
	if n := len(r.Requests("_catalog")); n != 1 {
		t.Errorf("%d requests of the catalog", n)
	}
}

func get(t *testing.T, r *registrytest.Registry, path string) *http.Response {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.Host+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	return response
}
