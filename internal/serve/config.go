package serve

import (
	"net"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/address"
	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
	"github.com/wasm-xds/wasm-xds/internal/etcdspecs"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/inflow"
	"github.com/wasm-xds/wasm-xds/internal/lobby"
	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/internal/peer"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/spiffe"
	"github.com/wasm-xds/wasm-xds/internal/systemd"
	"github.com/wasm-xds/wasm-xds/internal/tlsfiles"
	"github.com/wasm-xds/wasm-xds/internal/webhook"
	"github.com/wasm-xds/wasm-xds/internal/xds"
	"github.com/wasm-xds/wasm-xds/pkg/source/dir"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Config configures a server, and is complete: there are no other settings.
type Config struct {
	// Dir is the directory of specs. The directory need not exist yet. "" means no directory: then
	// there are Bundles or EtcdBundles.
	Dir string
	// Bundles are the bundles in registries. nil means none.
	Bundles []spec.Reference
	// EtcdBundles are the bundles in etcd. nil means none.
	EtcdBundles []etcdspecs.Place
	// Etcd is the access to etcd, which has the decisions that several replicas share. The zero
	// value means no etcd.
	Etcd etcdclient.Config
	// Settle is the quiet time before a changed directory is read. 0 means [dir.DefaultSettle].
	Settle time.Duration
	// Rescan is the time between two looks at a directory without any event. 0 means
	// [dir.DefaultRescan].
	Rescan time.Duration
	// Refresh is the time between two looks at the tag of a bundle. 0 means [oci.DefaultRefresh].
	Refresh time.Duration
	// FilesRoots are the absolute paths of the directories with the files for specs to name, beside
	// Dir itself. nil means the parent of Dir; see [dir.Bounds].
	FilesRoots []string
	// Decode reads the spec files of Dir. nil means [spec.Decode].
	Decode dir.Decode
	// AllowEmpty lets a source remove all specs at once. Otherwise the filters stay.
	AllowEmpty bool

	// XDSAddress, ModulesAddress and AdminAddress are the addresses of xDS, of the modules and of
	// the API, in the form of [address.Parse]. All three are required. Port 0 means a free port.
	XDSAddress, ModulesAddress, AdminAddress string
	// Sockets are the permissions of Unix sockets among the addresses. The zero value lets only the
	// user of this process connect.
	Sockets address.Permissions
	// TLS names the TLS files of xDS and of the modules. The zero value means no files.
	TLS tlsfiles.Config
	// SPIFFE is the agent that gives xDS and the modules their certificate and the CAs of clients,
	// instead of TLS. The zero value means no agent.
	SPIFFE spiffe.Config
	// NodeIdentity says how Envoys are bound to their certificates. "" means [NodeIdentityNone].
	NodeIdentity NodeIdentity
	// NodeIdentityRules is the file of rules, in the form of [identity.Parse], and maps the names
	// in certificates to Envoys and filters. "" means a node id must be among the names.
	NodeIdentityRules string
	// AdminTLS names the TLS files of the API. The zero value means no TLS.
	AdminTLS tlsfiles.Config
	// AdminTokenFile has the tokens for requests to the API, in the form of [token.Parse]. "" means
	// that no request needs a token.
	AdminTokenFile string
	// AdminInsecure lets other machines reach AdminAddress, without TLS and tokens.
	AdminInsecure bool
	// ModulesCluster is the Envoy cluster for ModulesAddress. "" means wasm_xds_modules.
	ModulesCluster string
	// ModulesURL is the URL of ModulesAddress as Envoy sees it, without a slash at the end. ""
	// means http:// (with TLS https://) and the address, or localhost for a socket.
	ModulesURL string
	// ModulesDirInEnvoy is the path of the module store as Envoy sees it. "" means the path on this
	// machine.
	ModulesDirInEnvoy string

	// StateDir is the directory of all data of a server. "" means [state.DefaultDir].
	StateDir string
	// StateKeyFile has the keys for the seal of the state, in the form of [seal.ReadFile]. "" means
	// a plain state.
	StateKeyFile string
	// ModulesGroup is the group of Envoys that read modules in the state directory, by name or
	// number. "" means that only the user of this process can enter the directory.
	ModulesGroup string
	// Delivery is for specs without delivery. "" means remote.
	Delivery spec.Delivery
	// ForgetRemoved is how long a removed filter without subscribers is kept. 0 means for ever.
	ForgetRemoved time.Duration
	// History is how many revisions of each filter the record keeps. 0 means no record.
	History int
	// Limits bound the requests of clients. A zero limit means the default. Run sets Refused.
	Limits xds.Limits
	// Inflow bounds the input of the xDS address. A zero limit means the default.
	Inflow inflow.Limits
	// Connections bounds the connections of each port. A zero limit means the default.
	Connections lobby.Limits
	// HandshakeTimeout bounds the time of a TLS handshake, of the beginning of HTTP/2 and of the
	// headers of a request. 0 means [DefaultHandshakeTimeout].
	HandshakeTimeout time.Duration
	// HeaderSize bounds the headers of a stream or a request, in bytes. 0 means
	// [DefaultHeaderSize].
	HeaderSize int
	// BuildMemory bounds the memory for concurrent builds of inline resources, in bytes. 0 means
	// [resource.DefaultBuildMemory].
	BuildMemory int64

	// Registry is the access to registries. The CAFile also applies to module.url. Run sets Guard
	// and Gate. The zero value means the public registries with the user's credentials.
	Registry registry.Config
	// Guard decides which addresses modules are fetched from. The zero value refuses only
	// link-local and metadata addresses.
	Guard netguard.Guard
	// Verify says by whom each module must be signed. The zero value requires no signatures beyond
	// the demands of specs.
	Verify spec.Verify

	// Webhooks are the receivers of notable events. The zero value means none.
	Webhooks webhook.Config

	// OTLPEndpoint is the collector that gets the traces of edits, in the form of otlp.Open. ""
	// means no traces.
	OTLPEndpoint string

	// Preflight is the effect of the sandbox's findings. "" means enforce.
	Preflight examine.Mode
	// Examined is called after each run of the sandbox, with the findings and the time. It must
	// return at once, and be safe for concurrent use. A revision with known findings does not run
	// again. nil means no call.
	Examined func(s *spec.Spec, found examine.Findings, took time.Duration)
	// HostEnv has the values for vm.hostEnv in the sandbox. nil means no values.
	HostEnv map[string]string

	// Replica is this server's place among the replicas of the fleet, which share their decisions
	// through Etcd. Without Etcd, the server decides alone.
	Replica Replica

	// Version is the version of this program, for metrics and the API.
	Version string
	// Logger is required.
	Logger *zap.Logger
	// AuditLogFile gets a line at the end for each change by a client of the API, as does the
	// Logger. "" means no file.
	AuditLogFile string
	// Passed has already open listeners, by the names [PortXDS], [PortModules] and [PortAdmin].
	// Their addresses stand in the fields of the addresses. Run closes the listeners. With nil, Run
	// opens all addresses.
	Passed map[string]net.Listener
	// Manager hears how the server is. The zero value means no manager.
	Manager systemd.Manager
	// Reload has a value for each immediate read of all files and sources. nil means never.
	Reload <-chan os.Signal
	// Started is called once, after all listeners are open and there is a snapshot. nil means no
	// call.
	Started func(Addresses)
}

// Replica is a server's place among the replicas of a fleet.
type Replica struct {
	// Name tells replicas apart: no two have the same. "" means the name of this machine.
	Name string
	// URL is the URL of the modules address as other replicas reach it, without a slash at the end.
	// "" means that of Envoys, see [Config.ModulesURL].
	URL string
	// Key is the key with which other replicas ask this one. "" means a random one with Etcd, and
	// otherwise that nobody may.
	Key string
	// Ledger knows the other replicas. nil means those that share Etcd.
	Ledger peer.Ledger
}

// The names of the ports.
const (
	PortXDS     = "xds"
	PortModules = "modules"
	PortAdmin   = "admin"
)

// Addresses are the listening addresses of a server, in the form of [address.Parse].
type Addresses struct{ XDS, Modules, Admin string }

// The limits of the bytes before a request. An Envoy's headers have some hundred bytes.
const (
	DefaultHandshakeTimeout = 10 * time.Second
	DefaultHeaderSize       = 16 << 10
)

// NodeIdentity says how Envoys are bound to their certificates.
type NodeIdentity string

// The values of [Config.NodeIdentity].
const (
	// NodeIdentityNone binds nothing: the Envoy chooses the node id.
	NodeIdentityNone NodeIdentity = "none"
	// NodeIdentitySAN lets an Envoy be only the nodes for which its certificate has a SAN, or a SAN
	// with a rule for the node.
	NodeIdentitySAN NodeIdentity = "san"
)

// NodeIdentities returns the values of [Config.NodeIdentity].
func NodeIdentities() []NodeIdentity { return []NodeIdentity{NodeIdentityNone, NodeIdentitySAN} }
