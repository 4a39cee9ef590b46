package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/test/apitest"
)

func TestLimitFlags(t *testing.T) {
	for flag, value := range map[string]string{
		"max-names": "0", "max-names-per-stream": "65536", "max-streams": "-1", "max-streams-per-node": "0",
		"max-request-size": "2GiB", "max-node-size": "0", "max-build-memory": "0", "http2-stream-window": "63KiB", "http2-connection-window": "2GiB",
	} {
		if code, _, stderr := run(t, "serve", "--"+flag, value); code != command.ExitUsage || !strings.Contains(stderr, "--"+flag) {
			t.Errorf("--%s %s: exit %d: %s", flag, value, code, stderr)
		}
	}
}

// The status shows a limit that was reached.
func TestStatusShowsLimits(t *testing.T) {
	server := apitest.Start(t, apitest.LiveFilter("auth"))
	server.Limits = []api.Limit{
		{Name: "names", Flag: "--max-names", Most: 20000, Refused: 3, Last: time.Now(), Node: "edge-1\x1b", Address: "10.0.0.1:4000"},
		{Name: "streams", Flag: "--max-streams", Most: 10, Refused: 1, Last: time.Now(), Address: "10.0.0.1:4000"},
	}
	_, stdout, _ := run(t, "status", "--admin-address", server.Address)
	for _, want := range []string{
		"--max-names 20000: 3 streams were ended, the last node edge-1\uFFFD from 10.0.0.1:4000 0s ago",
		"--max-streams 10: 1 stream was ended, the last from 10.0.0.1:4000 0s ago",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
}
