package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/test/apitest"
)

func TestWebhookTest(t *testing.T) {
	server := apitest.Start(t)
	server.TestWebhooks = func(url string) ([]api.WebhookTest, *api.Error) {
		good := api.WebhookTest{Receiver: "hooks.example.com", Taken: true, Signed: true, Status: "204 No Content", Milliseconds: 12}
		if url != "" {
			return []api.WebhookTest{good}, nil
		}
		return []api.WebhookTest{good, {Receiver: "other", Milliseconds: 3, Error: &api.Error{Message: "connection refused", Hint: "look whether the receiver runs"}}}, nil
	}
	code, stdout, stderr := run(t, "webhook", "test", "--admin-address", server.Address)
	const want = `hooks.example.com has taken the test message: 204 No Content, with a signature, after 12ms
other has not taken the test message, without a signature, after 3ms: connection refused
  hint: look whether the receiver runs
`
	if code != command.ExitProblem || stdout != want || stderr != "" {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	if code, stdout, _ := run(t, "webhook", "test", "https://hooks.example.com/a", "--admin-address", server.Address, "-o", "json"); code != command.ExitOK || !strings.Contains(stdout, `"taken": true`) {
		t.Errorf("exit %d: %s", code, stdout)
	}
	server.TestWebhooks = nil
	if code, _, stderr := run(t, "webhook", "test", "--admin-address", server.Address); code != command.ExitProblem || !strings.Contains(stderr, "has no webhook") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// With --direct there is no server.
func TestWebhookTestDirect(t *testing.T) {
	to := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only the arrival matters
		w.WriteHeader(http.StatusAccepted)
	}))
	defer to.Close()
	code, stdout, stderr := run(t, "webhook", "test", to.URL, "--direct", "--admin-address", "127.0.0.1:1")
	if code != command.ExitOK || !strings.Contains(stdout, "has taken the test message: 202 Accepted, without a signature") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	if code, _, stderr := run(t, "webhook", "test", "--direct"); code != command.ExitUsage || !strings.Contains(stderr, "needs the URL") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if code, _, stderr := run(t, "webhook", "test", "nonsense", "--direct"); code != command.ExitProblem || !strings.Contains(stderr, "no URL with http or https") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
