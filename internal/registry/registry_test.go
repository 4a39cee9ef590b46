package registry_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/internal/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answer starts a registry that gives every request the same answer, and counts the requests.
func answer(t *testing.T, handle http.HandlerFunc) (host string, asked *atomic.Int64) {
	t.Helper()
	asked = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		handle(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), asked
}

func client(t *testing.T, cfg registry.Config) *registry.Client {
	t.Helper()
	if cfg.DockerConfig == "" {
		cfg.DockerConfig = filepath.Join(t.TempDir(), "none.json")
	}
	c, err := registry.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func reference(t *testing.T, text string) registry.Reference {
	t.Helper()
	ref, err := registry.ParseReference(text)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func resolveError(t *testing.T, c *registry.Client, ref registry.Reference, from registry.Credentials) *registry.Error {
	t.Helper()
	_, err := c.Resolve(t.Context(), ref, from)
	problem := &registry.Error{}
	if !errors.As(err, &problem) {
		t.Fatalf("the error is %T: %v", err, err)
	}
	return problem
}

func refuse(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"errors":[{"code":%q,"message":%s}]}`, code, strconv.QuoteToASCII(message))
	}
}

func TestAnswers(t *testing.T) {
	for _, one := range []struct {
		handle    http.HandlerFunc
		code      string
		words     string
		retryable bool
	}{
		{refuse(401, "UNAUTHORIZED", "authentication required"), registry.CodeUnauthorized, "unauthorized: authentication required (401)", true},
		{refuse(403, "DENIED", "no pull for you"), registry.CodeUnauthorized, "denied: no pull for you (403)", true},
		{refuse(404, "NAME_UNKNOWN", "repository name not known to registry"), registry.CodeNotFound, "name unknown: repository name not known", true},
		{refuse(404, "MANIFEST_UNKNOWN", "manifest unknown"), registry.CodeNotFound, "manifest unknown (404)", true},
		{refuse(418, "TEAPOT", "short\nand \u0085[31mstout"), registry.CodeRefused, "teapot: short and [31mstout (418)", false},
		{func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, registry.CodeNotFound, `"Not Found" (404)`, true},
	} {
		host, _ := answer(t, one.handle)
		problem := resolveError(t, client(t, registry.Config{Insecure: []string{host}}), reference(t, host+"/team/filter:v1"), registry.Credentials{})
		if problem.Code != one.code || problem.Retryable != one.retryable || !strings.Contains(problem.Error(), one.words) {
			t.Errorf("%+v, want %s and %q", problem, one.code, one.words)
		}
		if !strings.HasPrefix(problem.Error(), host+"/team/filter:v1: ") {
			t.Errorf("the error does not begin with the reference: %v", problem)
		}
	}
}

func TestRateLimitIsObeyed(t *testing.T) {
	host, asked := answer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "90")
		refuse(429, "TOOMANYREQUESTS", "slow down")(w, r)
	})
	c := client(t, registry.Config{Insecure: []string{host}})
	problem := resolveError(t, c, reference(t, host+"/team/filter:v1"), registry.Credentials{})
	if problem.Code != registry.CodeRateLimited || !problem.Retryable || problem.RetryAfter < 80*time.Second || problem.RetryAfter > 90*time.Second {
		t.Errorf("%+v", problem)
	}
	// The client does not send requests for another repository of the registry either.
	if problem := resolveError(t, c, reference(t, host+"/other:v1"), registry.Credentials{}); problem.Code != registry.CodeRateLimited {
		t.Errorf("%+v", problem)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the registry was asked %d times", n)
	}
}

const manifestDigest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

func manifest(w http.ResponseWriter) {
	w.Header().Set("Docker-Content-Digest", manifestDigest)
	w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
	w.Header().Set("Content-Length", "2")
}

func TestShortRateLimitIsWaitedFor(t *testing.T) {
	first := &atomic.Bool{}
	host, asked := answer(t, func(w http.ResponseWriter, _ *http.Request) {
		if first.CompareAndSwap(false, true) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(429)
			return
		}
		manifest(w)
	})
	found, err := client(t, registry.Config{Insecure: []string{host}}).Resolve(t.Context(), reference(t, host+"/team/filter:v1"), registry.Credentials{})
	if err != nil || found.Digest.String() != manifestDigest || asked.Load() != 2 {
		t.Errorf("%v, %v after %d requests", found.Digest, err, asked.Load())
	}
}

func TestHeadThatIsNotKnown(t *testing.T) {
	host, _ := answer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		manifest(w)
		fmt.Fprint(w, "{}")
	})
	found, err := client(t, registry.Config{Insecure: []string{host}}).Resolve(t.Context(), reference(t, host+"/team/filter:v1"), registry.Credentials{})
	if err != nil || found.Digest.String() != manifestDigest {
		t.Errorf("%v, %v", found.Digest, err)
	}
}

func TestUnreachable(t *testing.T) {
	host, _ := answer(t, func(http.ResponseWriter, *http.Request) {})
	for _, one := range []struct {
		name, registry string
		cfg            registry.Config
		part           string
	}{
		{"plain HTTP", host, registry.Config{}, "plain HTTP"},
		{"refused", "127.0.0.1:1", registry.Config{}, "refused"},
		{"no such name", "registry.invalid", registry.Config{}, "cannot be looked up"},
		{"guarded", host, registry.Config{Insecure: []string{"127.0.0.1"}, Guard: netguard.Guard{DenyPrivate: true}}, "--deny-private-networks"},
	} {
		t.Run(one.name, func(t *testing.T) {
			problem := resolveError(t, client(t, one.cfg), reference(t, one.registry+"/team/filter:v1"), registry.Credentials{})
			code := registry.CodeUnreachable
			if one.name == "guarded" {
				code = registry.CodeRefused
			}
			if problem.Code != code || !problem.Retryable || !strings.Contains(problem.Error(), one.part) {
				t.Errorf("%+v: %v", problem, problem)
			}
		})
	}
}

func TestBrokenAnswersAreTriedAgain(t *testing.T) {
	host, asked := answer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	problem := resolveError(t, client(t, registry.Config{Insecure: []string{host}}), reference(t, host+"/team/filter:v1"), registry.Credentials{})
	if problem.Code != registry.CodeFailed || !problem.Retryable || asked.Load() < 3 {
		t.Errorf("%+v after %d requests", problem, asked.Load())
	}
}

func TestPullSecret(t *testing.T) {
	const password = "s3cr:et"
	host, _ := answer(t, func(w http.ResponseWriter, r *http.Request) {
		if user, given, _ := r.BasicAuth(); user == "ann" && given == password {
			manifest(w)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		refuse(401, "UNAUTHORIZED", "authentication required")(w, r)
	})
	c := client(t, registry.Config{Insecure: []string{host}})
	ref := reference(t, host+"/team/filter:v1")
	file := filepath.Join(t.TempDir(), "secret")
	for _, one := range []struct{ text, code, part string }{
		{"ann:" + password + "\n", "", ""},
		{"ann:" + "wrong", registry.CodeUnauthorized, "authentication required"},
		{fmt.Sprintf(`{"auths":{%q:{"username":"ann","password":%q}}}`, host, password), "", ""},
		{`{"auths":{"ghcr.io":{"username":"ann","password":"` + password + `"}}}`, registry.CodeCredentials, "has no credentials for this registry"},
		{`{"auths":` + password, registry.CodeCredentials, "no valid Docker configuration"},
		{password[:4], registry.CodeCredentials, "neither"},
	} {
		if err := os.WriteFile(file, []byte(one.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := c.Resolve(t.Context(), ref, registry.Credentials{PullSecret: file})
		problem := &registry.Error{}
		switch errors.As(err, &problem); {
		case problem.Code != one.code || !strings.Contains(problem.Words, one.part):
			t.Errorf("%s: %v", one.text, err)
		case err != nil && (strings.Contains(err.Error(), "s3cr") || strings.Contains(problem.Hint(), "s3cr")):
			t.Errorf("the error has the secret: %v", err)
		}
	}
	if problem := resolveError(t, c, ref, registry.Credentials{PullSecret: file + ".none"}); problem.Code != registry.CodeCredentials {
		t.Errorf("%+v", problem)
	}
	if problem := resolveError(t, c, ref, registry.Credentials{}); problem.Code != registry.CodeUnauthorized || !strings.Contains(problem.Error(), "there are none") {
		t.Errorf("%+v: %v", problem, problem)
	}
}

func TestDockerConfigIsReadAnew(t *testing.T) {
	host, _ := answer(t, func(w http.ResponseWriter, r *http.Request) {
		if user, _, _ := r.BasicAuth(); user == "ann" {
			manifest(w)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(401)
	})
	config := filepath.Join(t.TempDir(), "config.json")
	c := client(t, registry.Config{Insecure: []string{host}, DockerConfig: config})
	ref := reference(t, host+"/team/filter:v1")
	if problem := resolveError(t, c, ref, registry.Credentials{}); problem.Code != registry.CodeUnauthorized {
		t.Errorf("%+v", problem)
	}
	text := fmt.Sprintf(`{"auths":{%q:{"auth":"YW5uOnNlY3JldA=="}}}`, host)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Resolve(t.Context(), ref, registry.Credentials{}); err != nil {
		t.Error(err)
	}
}

func TestCredentialHelper(t *testing.T) {
	host, _ := answer(t, func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user == "ann" && password == "secret" {
			manifest(w)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(401)
	})
	bin := t.TempDir()
	script := "#!/bin/sh\ncat >/dev/null\necho '{\"Username\":\"ann\",\"Secret\":\"secret\"}'\n"
	if err := os.WriteFile(filepath.Join(bin, "docker-credential-test"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	config := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(config, fmt.Appendf(nil, `{"credHelpers":{%q:"test"}}`, host), 0o600); err != nil {
		t.Fatal(err)
	}
	c := client(t, registry.Config{Insecure: []string{host}, DockerConfig: config})
	if _, err := c.Resolve(t.Context(), reference(t, host+"/team/filter:v1"), registry.Credentials{}); err != nil {
		t.Error(err)
	}
}

// TestHelpersThatCannotBeUsed checks whether the error names each helper and the next step.
func TestHelpersThatCannotBeUsed(t *testing.T) {
	host, _ := answer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(401)
	})
	for _, tt := range []struct{ name, config, secret, words, hint string }{
		{
			name: "not installed", config: `{"credHelpers":{"HOST":"ecr-login"},"credsStore":"pass"}`,
			words: "docker-credential-ecr-login, which CONFIG names for it, is not installed", hint: "install the package amazon-ecr-credential-helper, or",
		},
		{
			name: "an unknown one", config: `{"credsStore":"of-our-own"}`,
			words: "docker-credential-of-our-own, which CONFIG names for it, is not installed", hint: "install it in a directory of $PATH, or",
		},
		{
			name: "in a pull secret", secret: `{"credHelpers":{"HOST":"ecr-login"}}`,
			words: "helpers of a pull secret are not used", hint: "put the credentials themselves into the pull secret",
		},
		{
			name: "as a pull secret's store", secret: `{"auths":{"HOST":{}},"credsStore":"desktop"}`,
			words: "it names the credential helper docker-credential-desktop", hint: "leave module.pullSecret out",
		},
		{
			name: "for another registry", secret: `{"credHelpers":{"other.example":"ecr-login"}}`,
			words: "has no credentials for this registry", hint: "correct the file",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			file := func(name, text string) string {
				if text == "" {
					return ""
				}
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "HOST", host)), 0o600); err != nil {
					t.Fatal(err)
				}
				return path
			}
			cfg := registry.Config{Insecure: []string{host}, DockerConfig: file("config.json", cmp.Or(tt.config, "{}"))}
			_, err := client(t, cfg).Resolve(t.Context(), reference(t, host+"/team/filter:v1"), registry.Credentials{PullSecret: file("secret", tt.secret)})
			got := &registry.Error{}
			words := strings.ReplaceAll(tt.words, "CONFIG", filepath.Join(dir, "config.json"))
			if !errors.As(err, &got) || got.Code != registry.CodeCredentials || !strings.Contains(got.Error(), words) || !strings.Contains(got.Hint(), tt.hint) {
				t.Errorf("%v\nhint: %s", err, got.Hint())
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client(t, registry.Config{}).Resolve(ctx, reference(t, "127.0.0.1:1/x:v1"), registry.Credentials{})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCAFile(t *testing.T) {
	if _, err := registry.New(registry.Config{CAFile: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a CA file that is not there is taken")
	}
	empty := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.New(registry.Config{CAFile: empty}); err == nil {
		t.Error("a CA file without certificates is taken")
	}
}
