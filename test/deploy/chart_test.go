package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
)

const everything = `
source: {filters: {hello.yaml: "disabled: true\nmodule: {oci: registry.example.com/filters/hello:1.0}\n"}, bundles: ["oci://registry.example.com/team/filters:prod"], dockerConfigSecret: pull}
config: {log-format: json, forget-removed: 48h}
tls: {secret: tls}
admin: {expose: true, tlsSecret: admin-tls, tokenSecret: tokens, from: [{podSelector: {matchLabels: {app: prometheus}}}]}
podLabels: {team: edge}
podAnnotations: {note: text}
persistence: {existingClaim: mine}
networkPolicy: {from: [{podSelector: {matchLabels: {app.kubernetes.io/name: envoy}}}]}
imagePullSecrets: [{name: registry}]
tolerations: [{key: edge, operator: Exists}]
nodeSelector: {disk: ssd}
affinity: {nodeAffinity: {}}
priorityClassName: high
service: {annotations: {note: text}}
`

// The chart makes valid manifests, and a configuration file that wasm-xds accepts.
func TestChart(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, values string }{
		{"a ConfigMap", "source: {configMap: filters}"},
		{"a bundle", `source: {bundles: ["oci://registry.example.com/team/filters:prod"]}` + "\npersistence: {enabled: false}\nnetworkPolicy: {enabled: false}"},
		{"without TLS", "source: {configMap: filters}\nadmin: {expose: true, insecure: true}\ntls: {secret: tls, mutual: false}"},
		{"everything", everything},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			rendered, err := template(t, test.values)
			if err != nil {
				t.Fatal(rendered)
			}
			path := filepath.Join(t.TempDir(), "rendered.yaml")
			if err := os.WriteFile(path, []byte(rendered), 0o600); err != nil {
				t.Fatal(err)
			}
			wantValid(t, path)
			all := manifests(t, rendered)
			checkConfig(t, find(t, all, "ConfigMap", "edge-wasm-xds").Data["wasm-xds.yaml"])
		})
	}
}

// Values that would make a server that is open to all, or without filters, are refused with a
// reason.
func TestChartRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ values, want string }{
		{"{}", "there are no filters"},
		{"source: {configMap: filters}\nadmin: {expose: true}", "admin.expose needs admin.tlsSecret and admin.tokenSecret"},
		{"source: {configMap: filters}\nconfig: {state-dir: /tmp}", "config.state-dir: the chart decides it"},
		{"source: {configMap: filters, filters: {a.yaml: b}}", "exclude each other"},
		{"source: {configmap: filters}", "configmap"}, // a mistyped name
	} {
		if out, err := template(t, test.values); err == nil || !strings.Contains(out, test.want) {
			t.Errorf("%s: %v; want %q in\n%s", test.values, err, test.want, out)
		}
	}
}

func template(t *testing.T, values string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tool(t, "get-helm"), "template", "edge", inRepository("charts", "wasm-xds"),
		"--kube-version", "1.37.0", "--values", "-")
	cmd.Stdin = strings.NewReader(values)
	// Helm keeps its cache and settings below these directories.
	cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+t.TempDir(), "HELM_CONFIG_HOME="+t.TempDir(), "HELM_DATA_HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// checkConfig expects wasm-xds to accept a configuration file, with the files of a pod below a
// temporary directory.
func checkConfig(t *testing.T, config string) {
	t.Helper()
	root := t.TempDir()
	ca := pki.NewCA(t, "ca")
	pair := ca.Issue(t, pki.Request{})
	for _, secret := range []string{"tls", "admin-tls"} {
		dir := makeDir(t, root, secret)
		pair.WriteFiles(t, dir)
		pki.WriteFile(t, filepath.Join(dir, "ca.crt"), ca.PEM())
	}
	pki.WriteFile(t, filepath.Join(makeDir(t, root, "admin-tokens"), "tokens"), []byte("read "+strings.Repeat("r", 40)+"\n"))
	config = strings.NewReplacer("/etc/wasm-xds/filters", makeDir(t, root, "filters"), "/etc/wasm-xds", root,
		"/var/lib/wasm-xds", makeDir(t, root, "state"), "/run/wasm-xds", makeDir(t, root, "run")).Replace(config)
	path := filepath.Join(root, "wasm-xds.yaml")
	pki.WriteFile(t, path, []byte(config))
	output(t, exec.CommandContext(t.Context(), harness.BuildBinary(t), "serve", "--config", path, "--check-config"))
}

func makeDir(t *testing.T, parent, name string) string {
	t.Helper()
	path := filepath.Join(parent, name)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}
