package connect_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/cli/connect"
	"github.com/wasm-xds/wasm-xds/internal/test/apitest"
)

// keep adds contexts to the user's file.
func keep(t *testing.T, contexts ...connect.Context) {
	t.Helper()
	_, err := connect.ChangeContexts(func(all *connect.Contexts) error {
		*all = connect.Contexts{}
		for _, c := range contexts {
			if err := all.Add(c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Processes that change the contexts at the same time lose nothing.
func TestContextsChangeAtTheSameTime(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	const writers = 20
	var adding sync.WaitGroup
	for i := range writers {
		adding.Go(func() {
			_, err := connect.ChangeContexts(func(all *connect.Contexts) error {
				return all.Add(connect.Context{Name: fmt.Sprint("c", i), Address: "127.0.0.1:1"})
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	adding.Wait()
	if all, err := connect.ReadContexts(); err != nil || len(all.Contexts) != writers {
		t.Errorf("%d of %d contexts are kept: %v", len(all.Contexts), writers, err)
	}
}

// A named context counts before the current one, and does not go with an address.
func TestContextFlag(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	server := apitest.Start(t, apitest.LiveFilter("auth"))
	keep(t, connect.Context{Name: "nowhere", Address: "unix:///nowhere.sock"}, connect.Context{Name: "prod", Address: server.Address})
	if err := ask(t.Context()); err == nil || !strings.Contains(err.Error(), "/nowhere.sock") {
		t.Errorf("the current context: %v", err)
	}
	if err := ask(t.Context(), "--context", "prod"); err != nil {
		t.Errorf("a named context: %v", err)
	}
	if err := ask(t.Context(), "--context", "prot"); err == nil || !strings.Contains(err.Error(), `no context "prot"`) {
		t.Errorf("an unknown context: %v", err)
	}
	if err := ask(t.Context(), "--context", "prod", "--admin-address", server.Address); err == nil || !strings.Contains(err.Error(), "exclude each other") {
		t.Errorf("a context and an address: %v", err)
	}
	t.Run("the command line counts before the environment", func(t *testing.T) {
		t.Setenv("WASM_XDS_ADMIN_ADDRESS", "unix:///nowhere.sock")
		if err := ask(t.Context(), "--context", "prod"); err != nil {
			t.Errorf("an address in the environment: %v", err)
		}
		t.Setenv("WASM_XDS_CONTEXT", "prod")
		if err := ask(t.Context()); err == nil || !strings.Contains(err.Error(), "exclude each other") {
			t.Errorf("both in the environment: %v", err)
		}
		if err := ask(t.Context(), "--admin-address", server.Address); err != nil {
			t.Errorf("a context in the environment: %v", err)
		}
	})
}

// An address counts before the context, and then the context's files count for nothing.
func TestCurrentContext(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	m := startMutual(t)
	keep(t, connect.Context{
		Name: "prod", Address: "https://" + m.address, CAFile: m.path("servers.crt"), CertFile: m.path("client.pem"), KeyFile: m.path("client.key"),
	})
	if err := ask(t.Context()); err != nil {
		t.Errorf("the context: %v", err)
	}
	if err := ask(t.Context(), "--admin-address", "https://"+m.address); err == nil {
		t.Error("the context's files are used for an address that is given")
	}
	if err := ask(t.Context(), "--admin-ca-file", m.path("clients.crt")); err == nil {
		t.Error("a flag does not count before the context")
	}
	keep(t, connect.Context{Name: "nowhere", Address: "unix:///nowhere.sock"})
	if err := ask(t.Context()); err == nil || !strings.Contains(err.Error(), "/nowhere.sock") {
		t.Errorf("another context: %v", err)
	}
	err := ask(t.Context(), "--admin-address", m.address, "--admin-ca-file", m.path("servers.crt"),
		"--admin-cert-file", m.path("client.pem"), "--admin-key-file", m.path("client.key"))
	if err != nil {
		t.Errorf("an address beside a context: %v", err)
	}
}

// A user without a home directory has no contexts, and commands work as before.
func TestNoPlaceForContexts(t *testing.T) {
	server := apitest.Start(t, apitest.LiveFilter("auth"))
	for _, home := range []string{"", "/dev/null", "/missing"} {
		t.Setenv("XDG_CONFIG_HOME", "")
		t.Setenv("HOME", home)
		all, err := connect.ReadContexts()
		if err != nil || len(all.Contexts) != 0 {
			t.Errorf("HOME=%q: %+v, %v", home, all, err)
		}
		if err := ask(t.Context(), "--admin-address", server.Address); err != nil {
			t.Errorf("HOME=%q: %v", home, err)
		}
	}
	t.Setenv("HOME", "/dev/null")
	if _, err := connect.ChangeContexts(func(*connect.Contexts) error { return nil }); err == nil || !strings.Contains(err.Error(), "XDG_CONFIG_HOME") {
		t.Errorf("writing without a place: %v", err)
	}
}

func TestContextsFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	all, err := connect.ReadContexts()
	if err != nil || len(all.Contexts) != 0 {
		t.Fatalf("%+v, %v", all, err)
	}
	keep(t, connect.Context{Name: "a", Address: "127.0.0.1:1"}, connect.Context{Name: "b", Address: "unix:///run/admin.sock"})
	path := filepath.Join(dir, "wasm-xds", "contexts.yaml")
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if all, err = connect.ReadContexts(); err != nil || len(all.Contexts) != 2 || all.Current != "a" {
		t.Fatalf("%+v, %v", all, err)
	}
	if err := all.Use("b"); err != nil || all.Current != "b" {
		t.Errorf("%v, %s", err, all.Current)
	}
	if err := all.Remove("b"); err != nil || all.Current != "" || len(all.Contexts) != 1 {
		t.Errorf("%v, %+v", err, all)
	}
	for name, err := range map[string]error{
		"there is already": all.Add(connect.Context{Name: "a", Address: "127.0.0.1:1"}),
		"the name":         all.Add(connect.Context{Name: "a b", Address: "127.0.0.1:1"}),
		"no good address":  all.Add(connect.Context{Name: "c", Address: "nowhere"}),
		"no such file":     all.Add(connect.Context{Name: "c", Address: "127.0.0.1:1", TokenFile: filepath.Join(dir, "missing")}),
		"did you mean":     all.Use("ab"),
		"no context":       all.Remove("zzzz"),
	} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %q", err, name)
		}
	}
	for text, want := range map[string]string{
		"current: x\n":                                        "is not among the contexts",
		"contexts:\n- name: a\n  adress: b\n":                 "contexts.yaml:3:3",
		"contexts: [{name: a, address: b}]":                   "no good address",
		"contexts: [":                                         "contexts.yaml:",
		"contexts:\n- &a {name: a, address: \"h:1\"}\n- *a\n": "is there twice",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := connect.ReadContexts(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// The flag's file counts before the variable, and the variable before the context's file.
func TestWhichToken(t *testing.T) {
	dir, got := t.TempDir(), ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		_, _ = w.Write([]byte("[]"))
	}))
	t.Cleanup(server.Close)
	t.Setenv("XDG_CONFIG_HOME", dir)
	file := func(text string) string {
		path := filepath.Join(dir, text)
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	sent := func(want string, args ...string) {
		t.Helper()
		got = ""
		if err := ask(t.Context(), args...); err != nil || got != want {
			t.Errorf("%q: %v, sent %q, want %q", args, err, got, want)
		}
	}
	keep(t, connect.Context{Name: "prod", Address: server.URL, TokenFile: file("token-of-context")})
	sent("Bearer token-of-context")
	sent("", "--admin-address", server.URL)
	t.Setenv("WASM_XDS_ADMIN_TOKEN", "token-of-variable")
	sent("Bearer token-of-variable")
	sent("Bearer token-of-variable", "--admin-address", server.URL)
	sent("Bearer token-of-flag", "--admin-token-file", file("token-of-flag"))
	sent("Bearer token-of-flag", "--admin-token-file", file("token-of-flag"), "--admin-address", server.URL)
}

// No error has a part of a token.
func TestTokens(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	file := filepath.Join(t.TempDir(), "token")
	for text, want := range map[string]string{"CANARY": "fewer than 8", "CANARY CANARY-token": "neither read nor operate"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := ask(t.Context(), "--admin-token-file", file)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	t.Setenv("WASM_XDS_ADMIN_TOKEN", "CANARY-token")
	err := ask(t.Context(), "--admin-address", "192.0.2.1:18002")
	if err == nil || !strings.Contains(err.Error(), "in plain text") || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("plain text: %v", err)
	}
	t.Setenv("WASM_XDS_ADMIN_TOKEN", "CANARY\ntoken")
	if err := ask(t.Context()); err == nil || !strings.Contains(err.Error(), "no HTTP header") || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("a bad variable: %v", err)
	}
}
