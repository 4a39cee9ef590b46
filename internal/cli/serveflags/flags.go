// Package serveflags turns the flags of a server into a [serve.Config], and runs the server. The
// commands serve and dev have these flags.
//
// A new flag is one line in flags.go, and its limits are in check.go. A test in internal/cli holds
// every flag against the field that it sets, and every field against its flag.
package serveflags

import (
	"errors"
	"io/fs"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/record"
	"github.com/wasm-xds/wasm-xds/internal/serve"
	"github.com/wasm-xds/wasm-xds/internal/xds"
	"github.com/wasm-xds/wasm-xds/internal/xds/resource"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Flags are the flags of a server. This is the only place where flags become a [serve.Config]: most
// flags set a field of config directly, and [Flags.Read] makes the other fields from the flags
// below.
type Flags struct {
	config     serve.Config
	registries fetch.Registries
	trust      fetch.Trust
	roots      fetch.FilesRoots
	hostEnv    fetch.HostEnv
	etcd       fetch.Etcd
	etcdPrefix string
	Log        Log
}

// defaultForgetRemoved is a day: a repaired or replaced Envoy is back by then.
const defaultForgetRemoved = 24 * time.Hour

// AddTo adds the flags to a command, with their completions.
func (s *Flags) AddTo(c *cobra.Command) {
	f, cfg := c.Flags(), &s.config
	f.StringVar(&cfg.XDSAddress, "xds-address", command.DefaultXDSAddress, "`host:port` or unix:///path of gRPC: ECDS and ADS, SotW and delta")
	f.StringVar(&cfg.ModulesAddress, "modules-address", command.DefaultModulesAddress, "`host:port` or unix:///path of HTTP: GET /modules/<sha256>.wasm")
	f.StringVar(&cfg.ModulesCluster, "modules-cluster", command.DefaultModulesCluster, "`name` of the Envoy cluster that reaches the modules address")
	f.StringVar(&cfg.ModulesURL, "modules-url", "", "`URL` that Envoy puts into the Host and the path (default http:// and the modules address, or http://localhost for a socket)")
	f.StringVar(&cfg.ModulesDirInEnvoy, "modules-dir-in-envoy", "", "`path` of the module store as Envoy sees it, for delivery file (default as here)")
	f.StringVar(&cfg.AdminAddress, "admin-address", command.DefaultAdminAddress, "`host:port` or unix:///path of the API, metrics, health and web page")
	f.BoolVar(&cfg.AdminInsecure, "admin-insecure", false, "let other machines reach the admin address without TLS and tokens")
	cfg.Sockets.Mode = defaultSocketMode
	command.ModeFlag(f, &cfg.Sockets.Mode, "socket-mode", "`mode` of Unix sockets among the addresses, in octal; who may write may connect")
	f.StringVar(&cfg.Sockets.Group, "socket-group", "", "`group` of these sockets, by name or number (default the server's own)")
	cfg.NodeIdentity = serve.NodeIdentityNone
	command.ChoiceFlag(c, &cfg.NodeIdentity, serve.NodeIdentities(), "node-identity", "`how` Envoys are bound to their certificates: none, or san for node ids that are a URI or DNS name in the certificate, or that --node-identity-rules gives it")
	f.StringVar(&cfg.NodeIdentityRules, "node-identity-rules", "", "YAML `file` with rules that map these names to node ids, clusters and filters; read again when it changes")
	f.StringVar(&cfg.StateDir, "state-dir", "", "`directory` of the module store, the last good snapshot and the verdicts (default systemd's $STATE_DIRECTORY, $XDG_STATE_HOME/wasm-xds or ~/.local/state/wasm-xds)")
	f.StringVar(&cfg.StateKeyFile, "state-key-file", "", "`file` with keys that seal the state directory's files, in base64, a key a line; the first one seals, all open (make one with: openssl rand -base64 32)")
	f.StringVar(&cfg.ModulesGroup, "modules-group", "", "`group` of Envoys of another user that read modules in the state directory (delivery file), by name or number; it may enter the directory, and read nothing else")
	f.DurationVar(&cfg.Settle, "settle", 20*time.Millisecond, "quiet time before a changed directory is read; a tenth of it after files that were renamed into place, none after a single spec")
	f.DurationVar(&cfg.Rescan, "rescan", 10*time.Second, "time between looks at names, sizes and times without any event")
	cfg.Delivery = spec.Remote
	command.ChoiceFlag(c, &cfg.Delivery, command.Deliveries(), "delivery", "how modules reach Envoy for specs that do not say: remote, inline or file")
	f.BoolVar(&cfg.AllowEmpty, "allow-empty", false, "take a directory whose specs are all gone at its word, and remove every filter")
	f.DurationVar(&cfg.ForgetRemoved, "forget-removed", defaultForgetRemoved, "how long a filter is kept whose spec is gone and that no Envoy asks for; 0 keeps it for ever")
	f.IntVar(&cfg.History, "history", record.DefaultLimit, "`revisions` of each filter that the history keeps, with their changes and the outcome of their rollouts; 0 keeps no record")
	s.addLimits(f)
	s.trust.AddFlags(f)
	s.registries.AddFlags(f)
	s.roots.AddFlags(f)
	cfg.Preflight = examine.Enforce
	command.ChoiceFlag(c, &cfg.Preflight, examine.Modes(), "preflight", "`mode` of the sandbox that tries modules and runs tests first: "+command.List(examine.Modes())+"; warn shows what it finds, enforce does not serve it")
	s.hostEnv.AddFlags(f)
	s.Log.addTo(c)
}

// addLimits adds the flags that bound the server's memory for Envoys and other clients.
func (s *Flags) addLimits(f *pflag.FlagSet) {
	s.config.Limits = xds.Limits{}.WithDefaults()
	l := &s.config.Limits
	f.IntVar(&l.Names, "max-names", l.Names, "`names` that no spec has and that all streams together may ask for; the stream with the most ends")
	command.SizeFlag(f, &l.NameBytes, "max-name-bytes", "`size` of these names together, as 4MiB; the stream with the most of them ends")
	f.IntVar(&l.NamesPerStream, "max-names-per-stream", l.NamesPerStream, "`names` that one stream may ask for; beyond, it ends")
	f.IntVar(&l.Streams, "max-streams", l.Streams, "open `streams`; each further one ends")
	f.IntVar(&l.StreamsPerNode, "max-streams-per-node", l.StreamsPerNode, "open `streams` of one node id from one host; each further one ends")
	f.IntVar(&l.StreamsPerConnection, "max-streams-per-connection", l.StreamsPerConnection, "open `streams` on one HTTP/2 connection; the client keeps further ones back")
	command.SizeFlag(f, &l.StreamWindow, "http2-stream-window", "`size` of what a client may send ahead of reading on one stream to xDS, as 256KiB")
	command.SizeFlag(f, &l.ConnectionWindow, "http2-connection-window", "the same `size` for one connection, as 1MiB")
	c := &s.config.Connections
	*c = c.WithDefaults()
	f.IntVar(&c.Connections, "max-connections", c.Connections, "open `connections` to each port; each further one is closed")
	f.IntVar(&c.PerHost, "max-connections-per-host", c.PerHost, "the same for one `host`'s connections")
	in := &s.config.Inflow
	*in = in.WithDefaults()
	f.IntVar(&c.IdlePerHost, "max-idle-connections-per-host", c.IdlePerHost, "`connections` of one host to each port without a stream and without a request; further ones wait, and the longest idle one ends after 5 seconds")
	f.DurationVar(&l.ConnectionIdle, "max-connection-idle", l.ConnectionIdle, "how long a connection may have no stream and no request; then it ends")
	f.DurationVar(&l.ConnectionAge, "max-connection-age", 0, "how long a connection to xDS lasts, give or take a tenth, so that a fleet spreads over several servers; 0 sets no end")
	f.IntVar(&l.ConnectRate, "connect-rate", l.ConnectRate, "`streams` of Envoys that begin in a second, and as many at once; further ones wait, so that a fleet that comes at once does not starve the Envoys that are there")
	f.IntVar(&in.ConnectionOpens, "max-opens-per-connection", in.ConnectionOpens, "`streams` that one connection may open in a second, and ten times as many at once; beyond, it is read more slowly")
	f.IntVar(&in.HostOpens, "max-opens-per-host", in.HostOpens, "the same for all connections of one `host`, and for its new connections")
	f.IntVar(&in.HostNames, "max-new-names-per-host", in.HostNames, "`names` that no spec has and that one host may begin to ask for in a second, and ten times as many at once; beyond, they wait")
	command.SizeFlag(f, &in.Held, "max-request-memory", "`size` of all xDS requests that are under way, as 256MiB; the connection with the most ends")
	command.SizeFlag(f, &in.HostHeld, "max-request-memory-per-host", "the same `size` for all requests of one host, as 64MiB")
	f.DurationVar(&in.Patience, "request-timeout", in.Patience, "how long an xDS request may be under way; then its connection ends")
	s.config.HandshakeTimeout, s.config.HeaderSize = serve.DefaultHandshakeTimeout, serve.DefaultHeaderSize
	f.DurationVar(&s.config.HandshakeTimeout, "handshake-timeout", s.config.HandshakeTimeout, "how long a TLS handshake, the beginning of HTTP/2 and the headers of a request may take; then the connection ends")
	command.SizeFlag(f, &s.config.HeaderSize, "max-header-size", "`size` of the headers of a stream or a request, as 16KiB; beyond, it is refused")
	command.SizeFlag(f, &l.ReportMemory, "max-report-memory", "`size` of all that Envoys report about themselves, as 256MiB; beyond, a further Envoy's reports are refused")
	command.SizeFlag(f, &l.RequestSize, "max-request-size", "`size` of an xDS request, as 4MiB; beyond, its stream ends")
	command.SizeFlag(f, &l.NodeSize, "max-node-size", "`size` of a node's id, cluster and metadata, as 64KiB; beyond, its stream ends")
	s.config.BuildMemory = resource.DefaultBuildMemory
	command.SizeFlag(f, &s.config.BuildMemory, "max-build-memory", "`size` of the memory that inline resources take while they are built; others wait, and one that needs more is built alone")
}

// AddRefresh adds the flag of commands that serve bundles.
func (s *Flags) AddRefresh(f *pflag.FlagSet, usual time.Duration) {
	f.DurationVar(&s.config.Refresh, "refresh", usual, "time between two looks at a bundle's tag, give or take a tenth")
}

// AddEtcd adds the flags of servers that use etcd.
func (s *Flags) AddEtcd(f *pflag.FlagSet) { s.etcd.AddFlags(f) }

// AddTLS adds the flags with which xDS and the modules speak TLS. They are for servers of other
// Envoys than dev's own.
func (s *Flags) AddTLS(f *pflag.FlagSet) {
	cfg := &s.config
	f.StringVar(&cfg.TLS.CertFile, "tls-cert-file", "", "PEM `file` with the certificate of xDS and the modules, which then speak TLS; read again when it changes")
	f.StringVar(&cfg.TLS.KeyFile, "tls-key-file", "", "PEM `file` with the certificate's private key")
	f.StringVar(&cfg.TLS.ClientCAFile, "client-ca-file", "", "PEM `file` with the CAs of Envoys; each Envoy then needs a certificate of them")
	f.StringVar(&cfg.SPIFFE.Socket, "spiffe-socket", "", "`socket` of the SPIFFE Workload API, as unix:///run/spire/agent/api.sock, from which xDS and the modules take their certificate and the CAs of Envoys, instead of files; each Envoy then needs a certificate")
	f.StringSliceVar(&cfg.SPIFFE.TrustDomains, "spiffe-trust-domain", nil, "`name` of a trust domain whose Envoys may connect; repeatable (default that of the server's own certificate)")
}

// AddAdmin adds the flags that protect the admin address. They are for servers that other machines
// reach.
func (s *Flags) AddAdmin(f *pflag.FlagSet) {
	t := &s.config.AdminTLS
	f.StringVar(&t.CertFile, "admin-tls-cert-file", "", "PEM `file` with the certificate of the admin address, which then speaks TLS; read again when it changes")
	f.StringVar(&t.KeyFile, "admin-tls-key-file", "", "PEM `file` with the certificate's private key")
	f.StringVar(&t.ClientCAFile, "admin-client-ca-file", "", "PEM `file` with the CAs of the API's clients; each client then needs a certificate of them")
	f.StringVar(&s.config.AdminTokenFile, "admin-token-file", "", "`file` with the tokens that requests to the API need, a line each: read or operate, perhaps a name, and the token; read again when it changes")
	f.StringVar(&s.config.AuditLogFile, "audit-log-file", "", "`file` that gets a line of JSON for each change through the API, beside the log")
}

// Read checks the values and returns the configuration, with absolute paths. It joins the errors of
// all wrong values. No flag gives the
// sources, the version, the logger and the callback: the caller fills them in.
func (s *Flags) Read() (serve.Config, error) {
	cfg := s.config
	problems := []error{checkServe(&cfg), checkReplica(&cfg), s.trust.Validate()}
	var err error
	cfg.HostEnv, err = s.hostEnv.Values()
	problems = append(problems, err)
	cfg.FilesRoots, err = s.roots.Absolute()
	problems = append(problems, err, s.etcd.Check())
	if err := errors.Join(problems...); err != nil {
		return cfg, err
	}
	if cfg.StateDir, err = command.Absolute(cfg.StateDir); err != nil {
		return cfg, err
	}
	for _, path := range []*string{
		&cfg.TLS.CertFile, &cfg.TLS.KeyFile, &cfg.TLS.ClientCAFile, &cfg.AdminTLS.CertFile, &cfg.AdminTLS.KeyFile, &cfg.AdminTLS.ClientCAFile,
		&cfg.AdminTokenFile, &cfg.AuditLogFile, &cfg.StateKeyFile, &cfg.NodeIdentityRules,
		&cfg.Webhooks.SecretFile, &cfg.Webhooks.CAFile,
	} {
		if *path, err = command.Absolute(*path); err != nil {
			return cfg, err
		}
	}
	if cfg.Etcd, err = s.etcd.Config(); err != nil {
		return cfg, err
	}
	cfg.Etcd.Prefix = s.etcdPrefix
	if err := cfg.Etcd.Check(); err != nil {
		return cfg, err
	}
	cfg.Registry, cfg.Guard, cfg.Verify = s.registries.Config(), s.trust.Guard(), s.trust.Verify()
	return cfg, nil
}

// defaultSocketMode lets the server's user and the socket's group connect.
const defaultSocketMode fs.FileMode = 0o660
