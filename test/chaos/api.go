package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"time"
)

// api asks the control plane through its API, its command line and its metrics.
type api struct {
	root   string // URL of the API
	binary string
}

func (a api) call(ctx context.Context, method, path, body string) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, a.root+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Close = true // the server is killed now and then
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

func (a api) get(ctx context.Context, path string) ([]byte, error) {
	status, body, err := a.call(ctx, http.MethodGet, path, "")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("GET %s: status %d: %s", path, status, body)
	}
	return body, err
}

func (a api) filters(ctx context.Context) (told []Told, err error) {
	body, err := a.get(ctx, "/api/v1/filters")
	if err != nil {
		return nil, err
	}
	return told, json.Unmarshal(body, &told)
}

// disagreements returns the differences of `status` and the metrics from told, the API's answer.
func (a api) disagreements(ctx context.Context, told []Told) (problems []string) {
	metrics, err := a.get(ctx, "/metrics")
	if err != nil {
		return []string{err.Error()}
	}
	problems = MetricDisagreements(told, ParseMetrics(string(metrics)))
	cmd := exec.CommandContext(ctx, a.binary, "status", "-o", "json", "--admin-address", strings.TrimPrefix(a.root, "http://"))
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		return append(problems, fmt.Sprintf("wasm-xds status: %v: %s", err, errors.String()))
	}
	var shown struct{ Filters []Told }
	if err := json.Unmarshal(out, &shown); err != nil {
		if err := json.Unmarshal(out, &shown.Filters); err != nil {
			return append(problems, fmt.Sprintf("wasm-xds status: %v", err))
		}
	}
	if one, other := brief(shown.Filters), brief(told); one != other {
		problems = append(problems, fmt.Sprintf("status shows %s, the API %s", one, other))
	}
	return problems
}

// brief returns the compared part of filters.
func brief(told []Told) string {
	var b strings.Builder
	for _, t := range told {
		fmt.Fprintf(&b, "%s %s %s %v %s", t.Name, t.State, t.Revision, t.Disabled, t.Error.CodeOrNone())
		for _, s := range t.Here() {
			fmt.Fprintf(&b, " (%s %s %s %s)", s.Node, s.State, s.Revision, s.Variant)
		}
		b.WriteString("; ")
	}
	return b.String()
}

// earlier returns the revisions to which the filter can be rolled back.
func (a api) earlier(ctx context.Context, filter FilterName) (revisions []string, err error) {
	body, err := a.get(ctx, "/api/v1/filters/"+string(filter)+"/history")
	if err != nil {
		return nil, err
	}
	var history struct {
		Revisions []struct {
			Revision, State string
			Error           json.RawMessage
		}
	}
	if err := json.Unmarshal(body, &history); err != nil {
		return nil, err
	}
	for _, r := range history.Revisions {
		if r.State == "earlier" && (len(r.Error) == 0 || string(r.Error) == "null") {
			revisions = append(revisions, r.Revision)
		}
	}
	return revisions, nil
}
