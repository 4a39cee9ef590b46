package serveflags

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/serve"
	"github.com/wasm-xds/wasm-xds/internal/spiffe"
	"github.com/wasm-xds/wasm-xds/internal/xds"
)

// Bounds of durations: below, a rescan is a busy loop; above, the value is probably mistyped.
const (
	leastInterval = time.Millisecond
	mostInterval  = 24 * time.Hour
)

// checkServe checks the values of flags, and removes the slash at the end of the modules' URL. It
// joins the errors of all wrong values.
func checkServe(cfg *serve.Config) error {
	problems := []error{checkAddresses(cfg), checkSPIFFE(cfg), checkTimes(cfg), checkConnections(cfg), checkLimits(cfg)}
	if cfg.ModulesCluster == "" {
		problems = append(problems, fmt.Errorf("--modules-cluster is empty: it names the Envoy cluster that reaches %s", cfg.ModulesAddress))
	}
	if err := command.CheckModulesURL(&cfg.ModulesURL); err != nil {
		problems = append(problems, fmt.Errorf("invalid --modules-url %q: %w", cfg.ModulesURL, err))
	}
	if cfg.ModulesDirInEnvoy != "" && !filepath.IsAbs(cfg.ModulesDirInEnvoy) {
		problems = append(problems, fmt.Errorf("invalid --modules-dir-in-envoy %q: it is not absolute", cfg.ModulesDirInEnvoy))
	}
	return errors.Join(problems...)
}

func checkAddresses(cfg *serve.Config) error {
	var problems []error
	for _, one := range []struct{ flag, address string }{
		{"xds-address", cfg.XDSAddress}, {"modules-address", cfg.ModulesAddress}, {"admin-address", cfg.AdminAddress},
	} {
		if err := command.CheckPort(one.address); err != nil {
			problems = append(problems, fmt.Errorf("invalid --%s %q: %w", one.flag, one.address, err))
		}
	}
	return errors.Join(problems...)
}

func checkTimes(cfg *serve.Config) error {
	var problems []error
	for _, one := range []struct {
		flag string
		d    time.Duration
	}{
		{"settle", cfg.Settle}, {"rescan", cfg.Rescan}, {"refresh", cfg.Refresh},
	} {
		if one.flag == "refresh" && one.d == 0 { // of commands without a watched bundle
			continue
		}
		if one.d < leastInterval || one.d > mostInterval {
			problems = append(problems, fmt.Errorf("invalid --%s %s: it is between %s and %s", one.flag, one.d, leastInterval, mostInterval))
		}
	}
	if cfg.ForgetRemoved < 0 {
		problems = append(problems, fmt.Errorf("invalid --forget-removed %s: it is 0, which is for ever, or more", cfg.ForgetRemoved))
	}
	return errors.Join(problems...)
}

// checkSPIFFE refuses two sources of a certificate.
func checkSPIFFE(cfg *serve.Config) error {
	var problems []error
	for _, name := range cfg.SPIFFE.TrustDomains {
		if err := spiffe.CheckTrustDomain(name); err != nil {
			problems = append(problems, fmt.Errorf("invalid --spiffe-trust-domain %q: %w", name, err))
		}
	}
	if cfg.SPIFFE.Socket == "" {
		return errors.Join(problems...)
	}
	if err := spiffe.CheckSocket(cfg.SPIFFE.Socket); err != nil {
		problems = append(problems, fmt.Errorf("invalid --spiffe-socket %q: %w", cfg.SPIFFE.Socket, err))
	}
	for _, one := range []struct{ flag, value string }{
		{"tls-cert-file", cfg.TLS.CertFile}, {"tls-key-file", cfg.TLS.KeyFile}, {"client-ca-file", cfg.TLS.ClientCAFile},
	} {
		if one.value != "" {
			problems = append(problems, fmt.Errorf(
				"invalid --%s %q: --spiffe-socket excludes it, since the certificate of xDS and the modules comes from the agent or from files", one.flag, one.value))
		}
	}
	return errors.Join(problems...)
}

func checkConnections(cfg *serve.Config) error {
	var problems []error
	for _, one := range []struct {
		flag string
		n    int
	}{
		{"max-connections", cfg.Connections.Connections},
		{"max-connections-per-host", cfg.Connections.PerHost},
		{"max-idle-connections-per-host", cfg.Connections.IdlePerHost},
	} {
		if one.n < 1 || one.n > 100_000_000 {
			problems = append(problems, fmt.Errorf("invalid --%s %d: it is between 1 and 100000000", one.flag, one.n))
		}
	}
	if d := cfg.Limits.ConnectionIdle; d < time.Second {
		problems = append(problems, fmt.Errorf("invalid --max-connection-idle %s: it is a second or more", d))
	}
	for _, one := range []struct {
		flag string
		d    time.Duration
	}{
		{"request-timeout", cfg.Inflow.Patience}, {"handshake-timeout", cfg.HandshakeTimeout},
	} {
		if one.d < time.Second {
			problems = append(problems, fmt.Errorf("invalid --%s %s: it is a second or more", one.flag, one.d))
		}
	}
	if d := cfg.Limits.ConnectionAge; d != 0 && d < time.Minute {
		problems = append(problems, fmt.Errorf("invalid --max-connection-age %s: it is 0, which sets no end, or a minute or more", d))
	}
	return errors.Join(problems...)
}

func checkLimits(cfg *serve.Config) error {
	l, in := cfg.Limits, cfg.Inflow
	var problems []error
	for _, one := range []struct {
		flag               string
		value, least, most int64
	}{
		{"connect-rate", int64(l.ConnectRate), 1, 100_000_000},
		{"max-names", int64(l.Names), 1, 100_000_000},
		{"http2-stream-window", int64(l.StreamWindow), xds.LeastWindow, xds.MostWindow},
		{"http2-connection-window", int64(l.ConnectionWindow), xds.LeastWindow, xds.MostWindow},
		{"max-name-bytes", int64(l.NameBytes), 1, 1 << 40},
		{"max-opens-per-connection", int64(in.ConnectionOpens), 1, 100_000_000},
		{"max-opens-per-host", int64(in.HostOpens), 1, 100_000_000},
		{"max-new-names-per-host", int64(in.HostNames), 1, 100_000_000},
		{"max-request-memory", in.Held, 1, 1 << 40},
		{"max-request-memory-per-host", in.HostHeld, 1, 1 << 40},
		{"max-header-size", int64(cfg.HeaderSize), 1, 1 << 30},
		{"max-names-per-stream", int64(l.NamesPerStream), 1, xds.MostNamesPerStream},
		{"max-streams", int64(l.Streams), 1, 100_000_000},
		{"max-streams-per-node", int64(l.StreamsPerNode), 1, 100_000_000},
		{"max-streams-per-connection", int64(l.StreamsPerConnection), 1, 1 << 30},
		{"max-request-size", int64(l.RequestSize), 1, 1 << 30},
		{"max-node-size", int64(l.NodeSize), 1, 1 << 30},
		{"max-report-memory", int64(l.ReportMemory), 1, 1 << 40},
		{"max-build-memory", cfg.BuildMemory, 1, 1 << 40},
	} {
		if one.value < one.least || one.value > one.most {
			problems = append(problems, fmt.Errorf("invalid --%s %d: it is between %d and %d", one.flag, one.value, one.least, one.most))
		}
	}
	return errors.Join(problems...)
}

// mostName bounds the name of a replica, which is part of keys and of metrics.
const mostName = 200

// checkReplica checks the flags of a replica, and removes the slash at the end of its URL.
func checkReplica(cfg *serve.Config) error {
	var problems []error
	for _, b := range []byte(cfg.Replica.Name) {
		if b <= ' ' || b > '~' || len(cfg.Replica.Name) > mostName {
			problems = append(problems, fmt.Errorf("invalid --replica-name %.100q: it has at most %d visible ASCII characters and no blanks", cfg.Replica.Name, mostName))
			break
		}
	}
	if err := command.CheckModulesURL(&cfg.Replica.URL); err != nil {
		problems = append(problems, fmt.Errorf("invalid --peer-url %q: %w", cfg.Replica.URL, err))
	}
	return errors.Join(problems...)
}
