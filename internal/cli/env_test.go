package cli

import (
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
)

func TestCheckEnvironment(t *testing.T) {
	for _, tt := range []struct{ variable, want, hint string }{
		{"WASM_XDS_XDS_ADDRESS=127.0.0.1:1", "", ""},
		{"WASM_XDS_VERIFY_KEY=a.pub", "", ""}, // of another command
		{"PATH=/bin", "", ""},
		{"WASM_XDS_ADRESS=", "", ""}, // an empty variable counts as unset
		{"WASM_XDS_VERIFY_KEYS=a.pub", "WASM_XDS_VERIFY_KEYS", "did you mean WASM_XDS_VERIFY_KEY?"},
		{"WASM_XDS_ADMIN_ADRESS=127.0.0.1:1", "WASM_XDS_ADMIN_ADRESS", "did you mean WASM_XDS_ADMIN_ADDRESS?"},
		{"WASM_XDS_QUITE_ANOTHER_THING=1", "WASM_XDS_QUITE_ANOTHER_THING", "docs/cli.md"},
		{"WASM_XDS_OUTPUT=json", "WASM_XDS_OUTPUT", ""}, // a flag without a variable
		{"WASM_XDS_SERVICE_HOST=10.0.0.1", "", ""},
		{"WASM_XDS_SERVICE_PORT_XDS=18000", "", ""},
		{"WASM_XDS_PORT=tcp://10.0.0.1:18000", "", ""},
		{"WASM_XDS_PORT_18000_TCP_ADDR=10.0.0.1", "", ""},
		{"WASM_XDS_ADMIN_SERVICE_HOST=10.0.0.1", "", ""},
		{"WASM_XDS_TEST_ENVOYS=1.40.0", "", ""},
	} {
		t.Run(tt.variable, func(t *testing.T) {
			root := newRoot()
			status, _, err := root.Find([]string{"status"})
			if err != nil {
				t.Fatal(err)
			}
			err = command.CheckEnvironment(status, []string{tt.variable})
			if tt.want == "" {
				if err != nil {
					t.Errorf("%v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.hint) {
				t.Errorf("%v", err)
			}
		})
	}
}

// The check runs before every command.
func TestMistypedVariableIsAnError(t *testing.T) {
	t.Setenv("WASM_XDS_LOG_LEVLE", "debug")
	code, _, stderr := run(t, "version")
	if code != command.ExitUsage || !strings.Contains(stderr, "WASM_XDS_LOG_LEVLE") || !strings.Contains(stderr, "did you mean WASM_XDS_LOG_LEVEL?") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// The environment does not ask for an action: a variable WASM_XDS_WATCH is unknown.
func TestActionsHaveNoVariable(t *testing.T) {
	known := command.Variables(newRoot())
	for _, flag := range []string{
		"help", "output", "watch", "wait", "revision", "nodes", "exit-code", "full", "no-descriptions", "force", "annotation", "search", "password-stdin",
	} {
		if known[command.EnvName(flag)] {
			t.Errorf("%s is read", command.EnvName(flag))
		}
	}
}
