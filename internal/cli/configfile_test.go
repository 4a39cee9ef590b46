package cli

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/configfile"
	"github.com/wasm-xds/wasm-xds/internal/serve"
	"github.com/wasm-xds/wasm-xds/internal/test/sigstoretest"
)

// TestEachFlagCanStandInTheFile: a flag has the same effect in the configuration file as on the
// command line.
func TestEachFlagCanStandInTheFile(t *testing.T) {
	key := publicKey(t)
	here := t.TempDir()
	t.Chdir(here)
	path := filepath.Join(here, "wasm-xds.yaml")
	read := func(args ...string) serve.Config {
		t.Helper()
		_, cfg := withFile(t, args...)
		return cfg
	}
	root := sigstoretest.Start(t).WriteRoot(t, sigstoretest.Root{})
	c, _ := serving()
	for name, one := range fieldsOfFlags(key, root, here) {
		value := one.flag
		if kind, _ := pflag.UnquoteUsage(c.Flags().Lookup(name)); (kind == "file" || kind == "directory") && !filepath.IsAbs(value) {
			value = filepath.Join(here, value)
		}
		want := read(append(beside(name, root), "--"+name+"="+value)...)
		for _, written := range []string{one.flag, strconv.Quote(one.flag)} {
			if err := os.WriteFile(path, []byte(name+": "+written+" # a comment\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			others := slices.DeleteFunc(beside(name, root), func(arg string) bool { return strings.HasPrefix(arg, "--"+name+"=") })
			if got := read(append(others, "--config="+path)...); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %s in the file: got\n%+v\nwant\n%+v", name, written, got, want)
			}
		}
	}
}

func TestConfigurationFile(t *testing.T) {
	for _, test := range []struct {
		name, text, want string // want is a part of the error
	}{
		{"an unknown setting", "rescan: 10s\nxds-adress: 127.0.0.1:1\n", `wasm-xds.yaml:2:1: unknown setting "xds-adress"; did you mean "xds-address"?`},
		{"another spelling", "xds_address: 127.0.0.1:1\n", `wasm-xds.yaml:1:1: unknown setting "xds_address"; did you mean "xds-address"?`},
		{"the flag itself", "config: other.yaml\n", `wasm-xds.yaml:1:1: unknown setting "config"`},
		{"a bad value", "settle: 20ms\nrescan: often\n", `wasm-xds.yaml:2:9: invalid value for rescan`},
		{"a value out of range", "settle: 20ms\nrescan: 5ns\n", `wasm-xds.yaml:2:1: invalid --rescan 5ns`},
		{"no value", "rescan:\n", `rescan must be a text, a number, true, false or a list of them, not null`},
		{"a section", "tls:\n  cert-file: a\n", `wasm-xds.yaml:2:3: tls must be a text, a number, true, false or a list of them, not a mapping`},
		{"twice", "rescan: 10s\nrescan: 20s\n", `wasm-xds.yaml:2:1: `},
		{"a list for one value", "rescan: [10s, 20s]\n", `invalid value for rescan: it takes one value, not a list`},
		{"a list", "- rescan\n", `wasm-xds.yaml:1:1: a file with settings is a mapping`},
		{"two documents", "rescan: 10s\n---\nsettle: 1s\n", `a file with settings has one document`},
		{"no YAML", "rescan: [10s\n", `wasm-xds.yaml:1:`},
		{"two directories", "sources: [a, b]\n", `one argument too many`},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "wasm-xds.yaml")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			code, _, stderr := run(t, "serve", "--config", path)
			if code == 0 || !strings.Contains(strings.ReplaceAll(stderr, "\n  hint: ", "; "), test.want) {
				t.Errorf("exit code %d, %s; want %s", code, stderr, test.want)
			}
		})
	}
}

// TestOrderOfSettings: the command line wins over the environment, which wins over the file. A
// setting that is overruled still needs a name that exists.
func TestOrderOfSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wasm-xds.yaml")
	text := "modules-cluster: file\nxds-address: file:1\nadmin-address: file:2\nhost-env: [A=1, B=2]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("WASM_XDS_CONFIG", path)
	t.Setenv("WASM_XDS_XDS_ADDRESS", "environment:1")
	t.Setenv("WASM_XDS_ADMIN_ADDRESS", "environment:2")
	_, cfg := withFile(t, "--admin-address=flag:2")
	got := []any{cfg.ModulesCluster, cfg.XDSAddress, cfg.AdminAddress, cfg.HostEnv}
	if want := []any{"file", "environment:1", "flag:2", map[string]string{"A": "1", "B": "2"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSourcesInTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "wasm-xds.yaml")
	if err := os.WriteFile(path, []byte("sources: [filters, oci://registry.example/team/filters:prod]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, _ := withFile(t, "--config", path)
	want := []string{filepath.Join(dir, "filters"), "oci://registry.example/team/filters:prod"}
	if !reflect.DeepEqual(file.Sources, want) {
		t.Errorf("got %q, want %q", file.Sources, want)
	}
}

// withFile reads flags, environment and configuration file in the order of serve.
func withFile(t *testing.T, args ...string) (configfile.File, serve.Config) {
	t.Helper()
	c, flags := serving()
	configfile.AddFlag(c)
	if err := c.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	if err := command.ReadEnvironment(c); err != nil {
		t.Fatal(err)
	}
	file, err := configfile.Apply(c)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := flags.Read()
	if err != nil {
		t.Fatal(err)
	}
	return file, cfg
}
