package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// manifest is the part of a Kubernetes object that the tests read.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		Template struct {
			Spec struct {
				Containers []struct{ Args []string }
			}
		}
	}
}

func manifests(t *testing.T, text string) []manifest {
	t.Helper()
	var all []manifest
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for {
		var one manifest
		if err := decoder.Decode(&one); err != nil {
			if len(all) == 0 {
				t.Fatalf("no manifests: %v\n%s", err, text)
			}
			return all
		}
		all = append(all, one)
	}
}

func find(t *testing.T, all []manifest, kind, name string) manifest {
	t.Helper()
	for _, one := range all {
		if one.Kind == kind && one.Metadata.Name == name {
			return one
		}
	}
	t.Fatalf("no %s %s", kind, name)
	return manifest{}
}

// The manifests of the example are valid, and so are the configurations in them: those of Envoy for
// Envoy, and the flags for wasm-xds.
func TestKubernetesExample(t *testing.T) {
	t.Parallel()
	wantValid(t, inRepository("examples", "kubernetes", "wasm-xds.yaml"), inRepository("examples", "kubernetes", "envoy.yaml"))
	all := manifests(t, read(t, "examples", "kubernetes", "envoy.yaml")+"\n---\n"+read(t, "examples", "kubernetes", "wasm-xds.yaml"))
	dir := t.TempDir()
	for _, name := range []string{"envoy", "upstream"} {
		for file, text := range find(t, all, "ConfigMap", name).Data {
			path := filepath.Join(dir, file)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.CommandContext(t.Context(), harness.Envoy(t, ""), "--mode", "validate", "--config-path", path).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", file, err, out)
			}
		}
	}
	args := find(t, all, "Deployment", "wasm-xds").Spec.Template.Spec.Containers[0].Args
	for i, arg := range args {
		args[i] = strings.ReplaceAll(arg, "/etc/wasm-xds/filters", inRepository("examples", "envoy", "filters"))
	}
	output(t, exec.CommandContext(t.Context(), harness.BuildBinary(t), append(args, "--check-config", "--state-dir", dir)...))
}

// The example of Envoy's configuration equals the output of the command.
func TestEnvoyOfTheExampleIsCurrent(t *testing.T) {
	t.Parallel()
	printed := output(t, exec.CommandContext(t.Context(), harness.BuildBinary(t), "bootstrap", inRepository("examples", "envoy", "filters"),
		"--xds-address", "wasm-xds:18000", "--modules-address", "wasm-xds:18001", "--upstream-address", "upstream:8080",
		"--listen-address", "0.0.0.0:10000", "--tcp-listen-address", "0.0.0.0:10001", "--node-cluster", "edge"))
	all := manifests(t, read(t, "examples", "kubernetes", "envoy.yaml"))
	want, got := fields(t, printed), fields(t, find(t, all, "ConfigMap", "envoy").Data["envoy.yaml"])
	if want != got {
		t.Errorf("the example has\n%s\nand bootstrap prints\n%s", got, want)
	}
}

// fields is a YAML document without its comments, as JSON.
func fields(t *testing.T, text string) string {
	t.Helper()
	json, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return string(json)
}
