package e2e_test

import (
	"io"
	"net/http"
	"os/exec"
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// each reports whether exactly n subscribers are connected and all satisfy wanted.
func each(f harness.FilterStatus, n int, wanted func(harness.Subscriber) bool) bool {
	open := f.Here()
	for _, s := range open {
		if !wanted(s) {
			return false
		}
	}
	return len(open) == n
}

// variantLive reports whether exactly n subscribers are live with the variant.
func variantLive(variant string, n int) func(harness.FilterStatus) bool {
	return func(f harness.FilterStatus) bool {
		return each(f, n, func(s harness.Subscriber) bool { return s.State == harness.Live && s.Variant == variant })
	}
}

// source is the response of GET /api/v1/source.
type source struct {
	State  string              `json:"state"`
	Error  *harness.APIError   `json:"error"`
	Errors []*harness.APIError `json:"errors"`
}

// waitSource waits for a state of the source and returns the source.
func (s *scenario) waitSource(state string) source {
	s.t.Helper()
	var now source
	if !harness.Poll(s.t.Context(), func() bool {
		s.cp.GetJSON("/api/v1/source", &now)
		return now.State == state
	}) {
		s.t.Fatalf("the source is %+v, not %s", now, state)
	}
	return now
}

// metric returns the value of a series, named as on the metrics page.
func (s *scenario) metric(series string) float64 {
	s.t.Helper()
	for line := range strings.Lines(s.get("/metrics")) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), series+" "); ok {
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return value
		}
	}
	s.t.Fatalf("there is no series %s", series)
	return 0
}

// get returns the control plane's response to GET path as text.
func (s *scenario) get(path string) string {
	s.t.Helper()
	client := http.Client{Timeout: harness.Deadline, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(s.cp.AdminURL() + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s: status %d, %v", path, res.StatusCode, err)
	}
	return string(body)
}

// rollBack posts body to the rollback endpoint of a filter and expects the HTTP status.
func (s *scenario) rollBack(name, body string, status int) {
	s.t.Helper()
	client := http.Client{Timeout: harness.Deadline, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Post(s.cp.AdminURL()+"/api/v1/filters/"+name+"/rollback", "application/json", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		s.t.Fatalf("rollback %s: status %d instead of %d, %v\n%s", body, res.StatusCode, status, err, answer)
	}
}

// command runs a command of the binary against the control plane and expects the exit code.
func (s *scenario) command(code int, args ...string) (output string) {
	s.t.Helper()
	args = append(args, "--admin-address", strings.TrimPrefix(s.cp.AdminURL(), "http://"))
	cmd := exec.CommandContext(s.t.Context(), harness.BuildBinary(s.t), args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		s.t.Fatalf("%q: %v instead of %d\n%s", args, err, code, out)
	}
	return string(out)
}
