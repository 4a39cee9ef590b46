package envoy

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/doctor"
	"github.com/wasm-xds/wasm-xds/internal/doctor/dial"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// envoyTimeout bounds the questions to a running Envoy.
const envoyTimeout = 10 * time.Second

// ofEnvoy adds the report about a running Envoy.
func (o *doctorFlags) ofEnvoy(c *cobra.Command, options doctor.Options, s *status, all *doctor.Report) error {
	ctx, cancel := context.WithTimeout(c.Context(), envoyTimeout)
	defer cancel()
	running, err := askEnvoy(ctx, o.envoy)
	if err != nil {
		return err
	}
	if s != nil {
		running.Nodes, running.NodesKnown = s.nodes, true
	}
	report := doctor.CheckRunning(running, options)
	all.Findings = append(all.Findings, report.Findings...)
	all.Notes = append(all.Notes, report.Notes...)
	all.Suggestions = append(all.Suggestions, report.Suggestions...)
	if o.server != "" {
		all.Findings = append(all.Findings, dial.Reach(c.Context(), dial.Ask{
			Config: running.Config, XDS: report.XDS, Modules: report.Modules, Open: readConfiguration,
		})...)
	}
	return nil
}

// askEnvoy asks an Envoy's admin. Envoy answers each question in its main thread, at once.
func askEnvoy(ctx context.Context, address string) (doctor.Running, error) {
	var r doctor.Running
	a, err := newAdmin(address)
	if err != nil {
		return r, err
	}
	defer a.client.CloseIdleConnections()
	dump, err := a.get(ctx, "/config_dump")
	if err != nil {
		return r, err
	}
	var problem *spec.Error
	if r.Config, r.Loaded, problem = envoyconfig.FromDump(address, dump); problem != nil {
		return r, problem
	}
	var info struct{ State string }
	var waiting struct {
		Unready []struct {
			Targets []string `json:"target_names"`
		} `json:"unready_targets_dumps"`
	}
	var stats struct {
		Stats []struct {
			Name  string
			Value any // a number, or text
		}
	}
	for path, into := range map[string]any{
		"/server_info": &info, "/init_dump": &waiting, "/stats?format=json&filter=%5Ecluster%5C..*%5C.upstream_cx_": &stats,
	} {
		if err := a.json(ctx, path, into); err != nil {
			return r, err
		}
	}
	r.State, r.Stats = info.State, map[string]int64{}
	for _, one := range stats.Stats {
		if n, ok := one.Value.(float64); ok {
			r.Stats[one.Name] = int64(n)
		}
	}
	for _, listener := range waiting.Unready {
		for _, target := range listener.Targets {
			// "shared target FilterConfigSubscription init auth"
			if _, name, ok := strings.Cut(target, "FilterConfigSubscription init "); ok {
				r.Waiting = append(r.Waiting, name)
			}
		}
	}
	return r, nil
}

// admin is the admin port of an Envoy.
type admin struct {
	address string // as the user named it
	base    string
	client  *http.Client
}

func newAdmin(address string) (admin, error) {
	dialer, transport := &net.Dialer{}, &http.Transport{}
	a := admin{address: address, client: &http.Client{Transport: transport}}
	switch path, isSocket := strings.CutPrefix(address, "unix://"); {
	case isSocket:
		a.base = "http://envoy"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return dialer.DialContext(ctx, "unix", path) }
	case strings.HasPrefix(address, "http://"), strings.HasPrefix(address, "https://"):
		a.base = strings.TrimSuffix(address, "/")
	default:
		if _, _, err := net.SplitHostPort(address); err != nil {
			return a, command.Failure(command.CodeUsage, fmt.Sprintf("invalid --envoy %q: it is no address", address), "as in http://127.0.0.1:9901")
		}
		a.base = "http://" + address
	}
	return a, nil
}

func (a admin) get(ctx context.Context, path string) ([]byte, error) {
	fail := func(message string) error {
		return command.Failure("envoy_unreachable", "Envoy's admin at "+a.address+" "+message, "name the address of `admin` in Envoy's bootstrap with --envoy")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+path, nil)
	if err != nil {
		return nil, fail("cannot be asked: " + reason.Of(err))
	}
	response, err := a.client.Do(request)
	if err != nil {
		return nil, fail("does not answer: " + reason.Of(err))
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, envoyconfig.MaxDumpSize+1))
	switch {
	case err != nil:
		return nil, fail("does not answer: " + reason.Of(err))
	case response.StatusCode != http.StatusOK:
		return nil, fail(fmt.Sprintf("answers %s with %s: it is no Envoy", path, response.Status))
	case len(text) > envoyconfig.MaxDumpSize:
		return nil, fail(fmt.Sprintf("answers %s with more than %d bytes", path, envoyconfig.MaxDumpSize))
	}
	return text, nil
}

func (a admin) json(ctx context.Context, path string, into any) error {
	text, err := a.get(ctx, path)
	if err != nil {
		return err
	}
	if len(strings.TrimSpace(string(text))) == 0 {
		return nil // Envoy has nothing to tell
	}
	if err := json.Unmarshal(text, into); err != nil {
		return command.Failure("envoy_unreachable", "Envoy's admin at "+a.address+" answers "+path+" with something other than JSON", "")
	}
	return nil
}
