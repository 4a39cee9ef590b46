package module

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func urlModule(address string) spec.Module {
	return spec.Module{URL: address, SHA256: sumOf([]byte(goodWasm)), Pos: modulePos}
}

// newResolver returns a resolver that retries without a pause and keeps no connections.
func newResolver(t *testing.T) *Resolver {
	t.Helper()
	return &Resolver{
		Store:   newStore(t),
		retries: func() backoff.BackOff { return &backoff.ZeroBackOff{} },
	}
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func TestResolveURL(t *testing.T) {
	var gets atomic.Int32
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		gets.Add(1)
		if got := r.Header.Get("Accept-Encoding"); got != "identity" {
			t.Errorf("Accept-Encoding is %q", got)
		}
		_, _ = io.WriteString(w, goodWasm)
	})
	r := newResolver(t)
	// Concurrent and later calls share one download.
	var resolvers sync.WaitGroup
	for range 8 {
		resolvers.Go(func() {
			m, err := r.Resolve(context.Background(), urlModule(address))
			if err != nil || m.SHA256 != sumOf([]byte(goodWasm)) || m.Size != int64(len(goodWasm)) {
				t.Errorf("got %v, %v", m, err)
			}
		})
	}
	resolvers.Wait()
	if _, err := r.Resolve(t.Context(), urlModule(address)); err != nil {
		t.Error(err)
	}
	if gets.Load() != 1 {
		t.Errorf("%d downloads", gets.Load())
	}
	// The resolver fetches a damaged module again.
	damage(t, r.Store, sumOf([]byte(goodWasm)), "rot")
	if _, err := r.Resolve(t.Context(), urlModule(address)); err != nil || gets.Load() != 2 {
		t.Errorf("%v after %d downloads", err, gets.Load())
	}
}

// A packed module is unpacked, and the sha256 is the hash of the unpacked module.
func TestResolvePackedURL(t *testing.T) {
	for name, packed := range map[string]string{
		"gzip": gzipped(t, goodWasm), "tar": tarred(t, "plugin.wasm", goodWasm),
		"tar in gzip": gzipped(t, tarred(t, "filter.wasm", goodWasm)),
	} {
		t.Run(name, func(t *testing.T) {
			m, err := newResolver(t).Resolve(t.Context(), urlModule(serve(t, text(packed))))
			if err != nil || m.SHA256 != sumOf([]byte(goodWasm)) || m.Size != int64(len(goodWasm)) {
				t.Errorf("got %v, %v", m, err)
			}
		})
	}
}

func gzipped(t *testing.T, data string) string {
	t.Helper()
	var out strings.Builder
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func tarred(t *testing.T, name, data string) string {
	t.Helper()
	var out strings.Builder
	w := tar.NewWriter(&out)
	if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// A URL or redirect to an address that the guard refuses fails, without a second attempt.
func TestGuardedURL(t *testing.T) {
	r := newResolver(t)
	_, err := r.Resolve(t.Context(), urlModule("http://169.254.169.254/latest/meta-data"))
	wantError(t, err, CodeAddressRefused, "link-local", "module.file")
	var gets atomic.Int32
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		gets.Add(1)
		http.Redirect(w, r, "http://[64:ff9b::a9fe:a9fe]/", http.StatusFound)
	})
	_, err = r.Resolve(t.Context(), urlModule(address))
	wantError(t, err, CodeAddressRefused, "link-local", "module.file")
	if gets.Load() != 1 {
		t.Errorf("%d tries", gets.Load())
	}
	strict := newResolver(t)
	strict.Guard.DenyPrivate = true
	_, err = strict.Resolve(t.Context(), urlModule(address))
	wantError(t, err, CodeAddressRefused, "--deny-private-networks", "module.file")
	if gets.Load() != 1 {
		t.Error("the server was reached")
	}
}

func TestResolveURLErrors(t *testing.T) {
	half := goodWasm[:20]
	tests := []struct {
		name             string
		answer           http.HandlerFunc
		sha256           string
		code, says, hint string
		tries            int
	}{
		{name: "not found", answer: status(404), code: CodeRefused, says: "answered 404 Not Found", hint: "correct module.url", tries: 1},
		{name: "forbidden", answer: status(403), code: CodeRefused, says: "403 Forbidden", hint: "credentials", tries: 1},
		{name: "no content", answer: status(204), code: CodeRefused, says: "204 No Content", tries: 1},
		{name: "not modified", answer: status(304), code: CodeRefused, says: "304", tries: 1},
		{name: "down", answer: status(503), code: CodeDownloadFailed, says: "503 Service Unavailable", tries: maxTries},
		{name: "busy", answer: status(429), code: CodeDownloadFailed, says: "429 Too Many Requests", tries: maxTries},
		{
			name: "busy for a long time", code: CodeDownloadFailed, says: "come back in 1h0m0s", tries: 1,
			answer: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "3600")
				w.WriteHeader(http.StatusServiceUnavailable)
			},
		},
		{name: "other bytes", answer: text(goodWasm + "\x00\x02\x01x"), code: CodeSHA256Mismatch, says: "but the spec says", tries: 1},
		{name: "not Wasm", answer: text("<html>"), code: CodeSHA256Mismatch, says: "but the spec says", tries: 1},
		{name: "not Wasm, as named", answer: text("<html>log in</html>"), sha256: sumOf([]byte("<html>log in</html>")), code: CodeNotWasm, says: "HTML", tries: 1},
		{name: "published half", answer: text(half), sha256: sumOf([]byte(half)), code: CodeMalformed, says: "incomplete", hint: "publish it again", tries: 1},
		{
			name: "said to be large", code: CodeTooLarge, says: "more than 256 MiB", tries: 1,
			answer: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", strconv.Itoa(MaxSize+1))
				w.WriteHeader(http.StatusOK)
			},
		},
		{
			name: "cut off", code: CodeDownloadFailed, says: "after 20 bytes: unexpected EOF", tries: maxTries,
			answer: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", strconv.Itoa(len(goodWasm)))
				_, _ = io.WriteString(w, half)
			},
		},
		{
			name: "cut off in gzip", code: CodeDownloadFailed, says: "after 20 bytes: unexpected EOF", tries: maxTries,
			answer: func(w http.ResponseWriter, _ *http.Request) {
				packed := gzipped(t, goodWasm)
				w.Header().Set("Content-Length", strconv.Itoa(len(packed)))
				_, _ = io.WriteString(w, packed[:20])
			},
		},
		{name: "damaged gzip", answer: text(gzipped(t, goodWasm)[:30]), code: CodeArchive, says: "is no valid archive", hint: "publish", tries: 1},
		{name: "out of the archive", answer: text(tarred(t, "../plugin.wasm", goodWasm)), code: CodeArchive, says: "leads out of it", tries: 1},
		{name: "nothing in the archive", answer: text(tarred(t, "README", "x")), code: CodeArchive, says: "no .wasm", tries: 1},
		{
			name: "hung up", code: CodeDownloadFailed, says: "EOF", tries: maxTries,
			answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var tries atomic.Int32
			address := serve(t, func(w http.ResponseWriter, r *http.Request) {
				tries.Add(1)
				test.answer(w, r)
			})
			m := urlModule(withSecrets(t, address))
			if test.sha256 != "" {
				m.SHA256 = test.sha256
			}
			core, logs := observer.New(zap.DebugLevel)
			r := newResolver(t)
			r.Logger = zap.New(core)
			_, err := r.Resolve(t.Context(), m)
			wantError(t, err, test.code, test.says, test.hint)
			if !strings.Contains(err.Message, address+"/a.wasm") || err.Pos != modulePos {
				t.Errorf("%v does not name the URL or its position", err)
			}
			wantNoSecrets(t, err.Error(), fmt.Sprint(logs.All()))
			if got := int(tries.Load()); got != test.tries {
				t.Errorf("%d tries, want %d", got, test.tries)
			}
			if Retryable(err) != (test.code == CodeDownloadFailed) {
				t.Errorf("retryable is %t", Retryable(err))
			}
			wantFiles(t, r.Store)
		})
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func text(content string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, content) }
}

// withSecrets puts a secret into every part of a URL that can contain one.
func withSecrets(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address + "/a.wasm?token=SECRET#SECRET")
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("SECRET", "SECRET")
	return u.String()
}

func wantNoSecrets(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(text, "SECRET") {
			t.Errorf("tells a secret: %s", text)
		}
	}
}

func TestResolveURLUnreachable(t *testing.T) {
	server := httptest.NewServer(nil)
	address := server.URL
	server.Close()
	r := newResolver(t)
	_, err := r.Resolve(t.Context(), urlModule(withSecrets(t, address)))
	wantError(t, err, CodeDownloadFailed, "connection refused", "reaches the server")
	wantNoSecrets(t, err.Error())
}

func TestResolveURLNotAURL(t *testing.T) {
	r := newResolver(t)
	for _, address := range []string{"", "x.wasm", "file:///etc/passwd", "ftp://h/SECRET", "http://", "http://[SECRET", "http:///x"} {
		_, err := r.Resolve(t.Context(), urlModule(address))
		wantError(t, err, CodeURLInvalid, "http or https", "")
		wantNoSecrets(t, err.Error())
	}
	m := urlModule("http://127.0.0.1:1/")
	for _, m.SHA256 = range []string{"", "abc", strings.Repeat("A", 64)} {
		_, err := r.Resolve(t.Context(), m)
		wantError(t, err, CodeSHA256Missing, "module.sha256", "sha256sum")
	}
}

func TestRedirects(t *testing.T) {
	var referers atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("/{n}", func(w http.ResponseWriter, r *http.Request) {
		if r.Referer() != "" {
			referers.Add(1)
		}
		left, err := strconv.Atoi(r.PathValue("n"))
		if err != nil {
			t.Error(err)
		}
		if left == 0 {
			_, _ = io.WriteString(w, goodWasm)
			return
		}
		http.Redirect(w, r, fmt.Sprintf("/%d?token=SECRET", left-1), http.StatusFound)
	})
	address := serve(t, mux.ServeHTTP)
	if _, err := newResolver(t).Resolve(t.Context(), urlModule(address+"/10")); err != nil {
		t.Errorf("ten redirects: %v", err)
	}
	_, err := newResolver(t).Resolve(t.Context(), urlModule(address+"/11"))
	wantError(t, err, CodeRefused, "redirect refused: more than 10", "really has")
	wantNoSecrets(t, err.Error())
	if referers.Load() != 0 {
		t.Error("the URL before a redirect, with its query, is told to the next server")
	}
}

func TestRedirectFromHTTPSToHTTP(t *testing.T) {
	var gets atomic.Int32
	plain := serve(t, func(w http.ResponseWriter, _ *http.Request) { gets.Add(1); _, _ = io.WriteString(w, goodWasm) })
	secure := httptest.NewTLSServer(http.RedirectHandler(plain+"/?token=SECRET", http.StatusFound))
	defer secure.Close()
	r := newResolver(t)
	r.HTTP = secure.Client()
	_, err := r.Resolve(t.Context(), urlModule(secure.URL))
	wantError(t, err, CodeRefused, "redirect refused: from https to http", "")
	wantNoSecrets(t, err.Error())
	if gets.Load() != 0 {
		t.Error("the redirect was followed")
	}
}

func TestUntrustedCertificate(t *testing.T) {
	secure := httptest.NewUnstartedServer(text(goodWasm))
	secure.Config.ErrorLog = zap.NewStdLog(zap.NewNop())
	secure.StartTLS()
	defer secure.Close()
	_, err := newResolver(t).Resolve(t.Context(), urlModule(secure.URL))
	wantError(t, err, CodeDownloadFailed, "certificate", "")
}

func TestCompressedAnswersAreNotUnpacked(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, goodWasm)
	})
	if _, err := newResolver(t).Resolve(t.Context(), urlModule(address)); err != nil {
		t.Errorf("the digest is not of the bytes that were sent: %v", err)
	}
}

func TestResolveURLEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		cancel(fmt.Errorf("the spec changed"))
		<-r.Context().Done()
	})
	_, err := newResolver(t).Resolve(ctx, urlModule(address))
	wantError(t, err, CodeDownloadFailed, "the spec changed", "")
}
