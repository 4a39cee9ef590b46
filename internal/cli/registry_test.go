package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
)

// TestRegistryScripts runs the scripts in testdata/registry against real registries: $PLAIN
// without TLS, $TLS with $CA, and $BASIC and $TOKEN with the user ann and the password secret.
func TestRegistryScripts(t *testing.T) {
	plain := registrytest.Start(t, registrytest.Options{})
	secure := registrytest.Start(t, registrytest.Options{TLS: true})
	basic := registrytest.Start(t, registrytest.Options{User: "ann", Password: "secret"})
	token := registrytest.Start(t, registrytest.Options{User: "ann", Password: "secret", Token: true})
	closed := registrytest.Start(t, registrytest.Options{})
	closed.Stop()
	module := passthrough(nil).Bytes()
	plain.Push(t, "shapes/compat:v1", registrytest.Compat(module))
	plain.Push(t, "shapes/solo:v1", registrytest.Solo(module, nil))
	plain.Push(t, "shapes/none:v1", registrytest.Single("text/plain", []byte("no module")))
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/registry",
		RequireExplicitExec: true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PLAIN", plain.Host)
			env.Setenv("TLS", secure.Host)
			env.Setenv("CA", secure.CAFile)
			env.Setenv("BASIC", basic.Host)
			env.Setenv("TOKEN", token.Host)
			env.Setenv("CLOSED", closed.Host)
			env.Setenv("DOCKER_CONFIG", filepath.Join(env.WorkDir, "docker"))
			env.Setenv("WASM_XDS_INSECURE_REGISTRY", plain.Host+","+basic.Host+","+token.Host+","+closed.Host)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// expand replaces $PLAIN in a file.
			"expand": func(ts *testscript.TestScript, _ bool, args []string) {
				text := strings.ReplaceAll(ts.ReadFile(args[0]), "$PLAIN", ts.Getenv("PLAIN"))
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
			},
			// filter writes a filter that lets all requests pass, and has the given imports.
			"filter": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), passthrough(args[1:]).Bytes(), 0o600))
			},
		},
	})
}
