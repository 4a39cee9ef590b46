package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/wasm-xds/wasm-xds/internal/cli/serveflags"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/serve"
	"github.com/wasm-xds/wasm-xds/internal/test/sigstoretest"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// flagged is the field of serve.Config that a flag sets, and its value after the flag.
type flagged struct {
	flag  string // the value on the command line
	field string // a path, as in Limits.Names
	want  any
}

// fieldsOfFlags has each flag of a server that sets a field.
func fieldsOfFlags(key, root, here string) map[string]flagged {
	return map[string]flagged{
		"admin-client-ca-file":          {"ca.crt", "AdminTLS.ClientCAFile", filepath.Join(here, "ca.crt")},
		"admin-tls-cert-file":           {"tls.crt", "AdminTLS.CertFile", filepath.Join(here, "tls.crt")},
		"admin-tls-key-file":            {"tls.key", "AdminTLS.KeyFile", filepath.Join(here, "tls.key")},
		"admin-insecure":                {"true", "AdminInsecure", true},
		"admin-token-file":              {"tokens", "AdminTokenFile", filepath.Join(here, "tokens")},
		"audit-log-file":                {"audit.log", "AuditLogFile", filepath.Join(here, "audit.log")},
		"admin-address":                 {"127.0.0.1:1", "AdminAddress", "127.0.0.1:1"},
		"allow-empty":                   {"true", "AllowEmpty", true},
		"ca-file":                       {"ca.pem", "Registry.CAFile", "ca.pem"},
		"delivery":                      {"file", "Delivery", spec.File},
		"deny-private-networks":         {"true", "Guard.DenyPrivate", true},
		"etcd-ca-file":                  {"ca.crt", "Etcd.CAFile", filepath.Join(here, "ca.crt")},
		"etcd-cert-file":                {"tls.crt", "Etcd.CertFile", filepath.Join(here, "tls.crt")},
		"etcd-endpoints":                {"a:1,b:2", "Etcd.Endpoints", []string{"a:1", "b:2"}},
		"etcd-key-file":                 {"tls.key", "Etcd.KeyFile", filepath.Join(here, "tls.key")},
		"etcd-password-file":            {"password", "Etcd.PasswordFile", filepath.Join(here, "password")},
		"etcd-prefix":                   {"/fleet", "Etcd.Prefix", "/fleet"},
		"etcd-secret-key-file":          {"keys", "Etcd.SecretKeyFile", filepath.Join(here, "keys")},
		"etcd-user":                     {"ann", "Etcd.User", "ann"},
		"peer-url":                      {"https://a.example/", "Replica.URL", "https://a.example"},
		"replica-name":                  {"a", "Replica.Name", "a"},
		"files-root":                    {"a:/b", "FilesRoots", []string{filepath.Join(here, "a"), "/b"}},
		"forget-removed":                {"1h", "ForgetRemoved", time.Hour},
		"history":                       {"7", "History", 7},
		"host-env":                      {"A=1", "HostEnv", map[string]string{"A": "1"}},
		"insecure-registry":             {"a,b:5000", "Registry.Insecure", []string{"a", "b:5000"}},
		"max-build-memory":              {"1MiB", "BuildMemory", int64(1 << 20)},
		"connect-rate":                  {"17", "Limits.ConnectRate", 17},
		"max-connection-age":            {"1h", "Limits.ConnectionAge", time.Hour},
		"max-connection-idle":           {"2m", "Limits.ConnectionIdle", 2 * time.Minute},
		"max-connections":               {"7", "Connections.Connections", 7},
		"max-connections-per-host":      {"8", "Connections.PerHost", 8},
		"max-streams-per-connection":    {"9", "Limits.StreamsPerConnection", 9},
		"handshake-timeout":             {"3s", "HandshakeTimeout", 3 * time.Second},
		"request-timeout":               {"4s", "Inflow.Patience", 4 * time.Second},
		"max-header-size":               {"8KiB", "HeaderSize", 8 << 10},
		"http2-stream-window":           {"128KiB", "Limits.StreamWindow", 128 << 10},
		"http2-connection-window":       {"2MiB", "Limits.ConnectionWindow", 2 << 20},
		"max-name-bytes":                {"10", "Limits.NameBytes", 10},
		"max-opens-per-connection":      {"11", "Inflow.ConnectionOpens", 11},
		"max-opens-per-host":            {"12", "Inflow.HostOpens", 12},
		"max-new-names-per-host":        {"14", "Inflow.HostNames", 14},
		"max-report-memory":             {"15", "Limits.ReportMemory", 15},
		"max-request-memory":            {"13", "Inflow.Held", int64(13)},
		"max-request-memory-per-host":   {"15", "Inflow.HostHeld", int64(15)},
		"max-idle-connections-per-host": {"16", "Connections.IdlePerHost", 16},
		"max-names":                     {"1", "Limits.Names", 1},
		"max-names-per-stream":          {"2", "Limits.NamesPerStream", 2},
		"max-node-size":                 {"3", "Limits.NodeSize", 3},
		"max-request-size":              {"4", "Limits.RequestSize", 4},
		"max-streams":                   {"5", "Limits.Streams", 5},
		"max-streams-per-node":          {"6", "Limits.StreamsPerNode", 6},
		"modules-address":               {"127.0.0.1:2", "ModulesAddress", "127.0.0.1:2"},
		"modules-cluster":               {"modules", "ModulesCluster", "modules"},
		"modules-dir-in-envoy":          {"/in/envoy", "ModulesDirInEnvoy", "/in/envoy"},
		"modules-url":                   {"https://modules.example/a/", "ModulesURL", "https://modules.example/a"},
		"node-identity":                 {"san", "NodeIdentity", serve.NodeIdentitySAN},
		"node-identity-rules":           {"rules.yaml", "NodeIdentityRules", filepath.Join(here, "rules.yaml")},
		"preflight":                     {"warn", "Preflight", examine.Warn},
		"refresh":                       {"1m", "Refresh", time.Minute},
		"registry-ca":                   {"old.pem", "Registry.CAFile", "old.pem"},
		"rescan":                        {"2m", "Rescan", 2 * time.Minute},
		"settle":                        {"3s", "Settle", 3 * time.Second},
		"socket-group":                  {"envoy", "Sockets.Group", "envoy"},
		"socket-mode":                   {"0600", "Sockets.Mode", fs.FileMode(0o600)},
		"state-dir":                     {"state", "StateDir", filepath.Join(here, "state")},
		"state-key-file":                {"keys", "StateKeyFile", filepath.Join(here, "keys")},
		"modules-group":                 {"envoy", "ModulesGroup", "envoy"},
		"client-ca-file":                {"ca.crt", "TLS.ClientCAFile", filepath.Join(here, "ca.crt")},
		"spiffe-socket":                 {"unix:///run/agent.sock", "SPIFFE.Socket", "unix:///run/agent.sock"},
		"spiffe-trust-domain":           {"a.example,b.example", "SPIFFE.TrustDomains", []string{"a.example", "b.example"}},
		"tls-cert-file":                 {"tls.crt", "TLS.CertFile", filepath.Join(here, "tls.crt")},
		"tls-key-file":                  {"tls.key", "TLS.KeyFile", filepath.Join(here, "tls.key")},
		"trusted-root":                  {root, "Verify.TrustedRoot", &spec.FileRef{Path: root, As: root}},
		"verify-identity":               {"subject=a,b=c,issuerRegExp=^https://i$", "Verify.Identities", []spec.Identity{{Subject: "a,b=c", IssuerRegExp: "^https://i$"}}},
		"verify-key":                    {key, "Verify.Keys", []*spec.FileRef{{Path: key, As: key}}},
		"otlp-endpoint":                 {"grpc://a:4317", "OTLPEndpoint", "grpc://a:4317"},
		"webhook":                       {"https://a.example/h", "Webhooks.URLs", []string{"https://a.example/h"}},
		"webhook-secret-file":           {"secrets", "Webhooks.SecretFile", filepath.Join(here, "secrets")},
		"webhook-ca-file":               {"ca.pem", "Webhooks.CAFile", filepath.Join(here, "ca.pem")},
		"xds-address":                   {"127.0.0.1:3", "XDSAddress", "127.0.0.1:3"},
	}
}

// beside returns the flags that a flag cannot be without.
func beside(name, root string) []string {
	const etcd = "--etcd-endpoints=a:1"
	switch name {
	case "verify-identity":
		return []string{"--trusted-root=" + root}
	case "etcd-ca-file", "etcd-secret-key-file":
		return []string{etcd}
	case "etcd-cert-file", "etcd-key-file":
		return []string{etcd, "--etcd-cert-file=other", "--etcd-key-file=other"}
	case "etcd-user", "etcd-password-file":
		return []string{etcd, "--etcd-user=other", "--etcd-password-file=other"}
	}
	return nil
}

// logsOfFlags has each flag of a server's log, with the effect of the flag on the logger.
var logsOfFlags = map[string]struct {
	flag string
	log  func(*zap.Logger, string) bool // the text is that of a warning
}{
	"log-level":  {"error", func(log *zap.Logger, _ string) bool { return !log.Core().Enabled(zapcore.WarnLevel) }},
	"log-format": {"json", func(_ *zap.Logger, text string) bool { return strings.HasPrefix(text, "{") }},
}

// noFlag has the fields that no flag sets, with their origin.
var noFlag = map[string]string{
	"Dir": "an argument", "Bundles": "arguments", "EtcdBundles": "arguments", "Etcd.Prefix": "specs have their own",
	"Passed": "systemd", "Manager": "systemd", "Reload": "SIGHUP",
	"Verify.Attestations": "specs alone", "Version": "the build", "Logger": "the flags of the log", "Started": "the caller",
	"Decode": "dev", "Examined": "dev",
	"Replica.Key": "serve itself", "Replica.Ledger": "serve itself",
	"Limits.Refused": "serve itself", "Registry.Guard": "serve itself", "Registry.Gate": "serve itself",
	"Registry.DockerConfig": "the environment, as Docker has it",
}

// serving is a command with the flags of serve.
func serving() (*cobra.Command, *serveflags.Flags) {
	c, flags := &cobra.Command{Use: "serve"}, &serveflags.Flags{}
	flags.AddTo(c)
	flags.AddTLS(c.Flags())
	flags.AddAdmin(c.Flags())
	flags.AddOutbound(c.Flags())
	flags.AddRefresh(c.Flags(), 30*time.Second)
	flags.AddEtcd(c.Flags())
	flags.AddReplica(c.Flags())
	return c, flags
}

// TestEachFlagReachesTheServer: a flag sets its field, and no other one. A flag that is neither in
// the table of fields nor in that of the log reaches nothing.
func TestEachFlagReachesTheServer(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	root := sigstoretest.Start(t).WriteRoot(t, sigstoretest.Root{})
	table := fieldsOfFlags(publicKey(t), root, here)
	read := func(args ...string) (serve.Config, *serveflags.Flags) {
		t.Helper()
		c, flags := serving()
		if err := c.ParseFlags(args); err != nil {
			t.Fatal(err)
		}
		cfg, err := flags.Read()
		if err != nil {
			t.Fatal(err)
		}
		return cfg, flags
	}
	command, _, err := newRoot().Find([]string{"serve"})
	if err != nil {
		t.Fatal(err)
	}
	flags := 0
	command.LocalFlags().VisitAll(func(f *pflag.Flag) {
		flags++
		want, setsField := table[f.Name]
		logs, setsLog := logsOfFlags[f.Name]
		switch {
		case setsField:
			with := beside(f.Name, root)
			before, _ := read(with...)
			got, _ := read(append(with, "--"+f.Name+"="+want.flag)...)
			if reflect.DeepEqual(before, got) {
				t.Errorf("--%s reaches nothing", f.Name)
			}
			fieldAt(reflect.ValueOf(&before).Elem(), want.field).Set(reflect.ValueOf(want.want))
			if !reflect.DeepEqual(before, got) {
				t.Errorf("--%s: got\n%+v\nwant\n%+v", f.Name, got, before)
			}
		case setsLog:
			var text strings.Builder
			_, flags := read("--" + f.Name + "=" + logs.flag)
			log := flags.Log.Logger(&text)
			log.Warn("a warning")
			if !logs.log(log, text.String()) {
				t.Errorf("--%s reaches nothing: %s", f.Name, text.String())
			}
		case f.Name == "config", f.Name == "check-config": // TestEachFlagCanStandInTheFile, and a script
			flags--
		case f.Name != "help":
			t.Errorf("--%s is in no table: does it reach serve.Config?", f.Name)
		}
	})
	if flags < len(table)+len(logsOfFlags) {
		t.Errorf("serve has %d flags, and the tables have %d", flags, len(table)+len(logsOfFlags))
	}
}

// TestEachFieldHasItsFlag: a new field of serve.Config has a flag, or another origin.
func TestEachFieldHasItsFlag(t *testing.T) {
	var reached []string
	for _, one := range fieldsOfFlags("", "", "") {
		reached = append(reached, one.field)
	}
	var check func(v reflect.Type, path string)
	check = func(v reflect.Type, path string) {
		for i := range v.NumField() {
			name := path + v.Field(i).Name
			_, named := noFlag[name]
			inside := slices.ContainsFunc(reached, func(field string) bool { return strings.HasPrefix(field, name+".") })
			switch {
			case named, slices.Contains(reached, name):
			case inside:
				check(v.Field(i).Type, name+".")
			default:
				t.Errorf("no flag reaches %s", name)
			}
		}
	}
	check(reflect.TypeFor[serve.Config](), "")
}

func fieldAt(v reflect.Value, path string) reflect.Value {
	for name := range strings.SplitSeq(path, ".") {
		v = v.FieldByName(name)
	}
	return v
}

// publicKey writes a key that signatures can be checked with.
func publicKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.pub")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The zero value of logFlags logs, too.
func TestLogWithoutFlags(t *testing.T) {
	if log := (serveflags.Log{}).Logger(io.Discard); !log.Core().Enabled(zapcore.InfoLevel) || log.Core().Enabled(zapcore.DebugLevel) {
		t.Error("the level is not info")
	}
}
