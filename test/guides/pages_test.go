package guides_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// references are pages with single commands and configurations. Their commands have no order, so
// the test looks only whether a shell, and wasm-xds with each of the flags, would take them.
var references = []string{
	"README.md", "docs/api.md", "docs/chaos.md", "docs/cli.md", "docs/containers.md", "docs/editors.md", "docs/foreign-documents.md", "docs/preflight.md", "docs/registries.md",
	"docs/security.md", "docs/testing-filters.md", "docs/troubleshooting.md",
}

var (
	fenced  = regexp.MustCompile("(?ms)^```(sh|yaml|json)\n(.*?)^```$")
	command = regexp.MustCompile(`(?:^|[\s/])wasm-xds ([a-z]+)( [a-z]+)?((?:[^|;&<>#\n]|\\\n)*)`)
	option  = regexp.MustCompile(`(?:^|\s)(--[a-z][a-z-]*)`)
)

func TestReferences(t *testing.T) {
	t.Parallel()
	helps := helpTexts{}
	for _, page := range references {
		t.Run(page, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(program.Repository(), filepath.FromSlash(page)))
			if err != nil {
				t.Fatal(err)
			}
			blocks := fenced.FindAllStringSubmatch(string(text), -1)
			if len(blocks) == 0 {
				t.Error("the page has no blocks")
			}
			for _, block := range blocks {
				if err := loads(t, block[1], block[2], helps); err != nil {
					t.Errorf("%v\n%s", err, block[2])
				}
			}
		})
	}
}

func loads(t *testing.T, language, text string, helps helpTexts) error {
	t.Helper()
	switch language {
	case "sh":
		return loadsCommands(t, text, helps)
	case "json":
		// Pages shorten hashes and lists with an ellipsis.
		if short := strings.ReplaceAll(text, ", …", ""); !json.Valid([]byte(short)) {
			return fmt.Errorf("it is not JSON")
		}
		return nil
	}
	var keys map[string]any
	if err := yaml.Unmarshal([]byte(text), &keys); err != nil {
		return err
	}
	switch {
	case keys["groups"] != nil:
		path := filepath.Join(t.TempDir(), "rules.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
		if out, err := exec.CommandContext(t.Context(), "promtool", "check", "rules", path).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
	case keys["rules"] != nil:
		if _, problems := spec.DecodeAccessRules("rules.yaml", []byte(text)); len(problems) > 0 {
			return problems[0]
		}
	case keys["http_filters"] != nil:
		return loadsFilters(t, text)
	default:
		if _, problems, _ := spec.Decode("page.yaml", []byte(text)); len(problems) > 0 {
			return problems[0]
		}
	}
	return nil
}

// loadsFilters lets Envoy validate a list of HTTP filters.
func loadsFilters(t *testing.T, text string) error {
	t.Helper()
	const before = `
node: {id: envoy-1, cluster: edge}
dynamic_resources: {ads_config: {api_type: DELTA_GRPC, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: wasm_xds}}]}}
static_resources:
  clusters: [{name: wasm_xds, typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: {http2_protocol_options: {}}}}}]
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: http
          route_config: {}
`
	const after = `
          - {name: envoy.filters.http.router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
`
	const indent = "          "
	path := filepath.Join(t.TempDir(), "envoy.yaml")
	whole := before + indent + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+indent) + after
	if err := os.WriteFile(path, []byte(whole), 0o600); err != nil {
		return err
	}
	if out, err := exec.CommandContext(t.Context(), harness.Envoy(t, ""), "--mode", "validate", "-c", path).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// loadsCommands checks the syntax of commands, and the names of commands and flags of wasm-xds.
func loadsCommands(t *testing.T, text string, helps helpTexts) error {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "bash", "-n", "-c", text).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	inContainer := "wasm-xds wasm-xds " // the name of a service, and the command
	for _, found := range command.FindAllStringSubmatch(strings.ReplaceAll(text, inContainer, "wasm-xds "), -1) {
		help, err := helps.of(t, strings.Fields(found[1]+found[2]))
		if err != nil || !strings.Contains(help, "wasm-xds "+found[1]) {
			return fmt.Errorf("there is no command %s", found[1])
		}
		for _, flag := range option.FindAllStringSubmatch(found[3], -1) {
			if !strings.Contains(help, flag[1]+" ") && !strings.Contains(help, flag[1]+"\n") {
				return fmt.Errorf("%s has no flag %s", found[1], flag[1])
			}
		}
	}
	return nil
}

// helpTexts has the output of --help of the commands that pages have shown so far.
type helpTexts map[string]string

func (h helpTexts) of(t *testing.T, command []string) (string, error) {
	t.Helper()
	name := strings.Join(command, " ")
	if text, known := h[name]; known {
		return text, nil
	}
	text, err := exec.CommandContext(t.Context(), harness.BuildBinary(t), append(command, "--help")...).Output()
	if err == nil {
		h[name] = string(text)
	}
	return string(text), err
}
