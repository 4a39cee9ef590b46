// Package serve wires the parts into one server.
package serve

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/certs"
	"github.com/wasm-xds/wasm-xds/internal/control"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/ending"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/metrics"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/moduleserver"
	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/internal/preflight"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/internal/xds"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Config configures a server. A zero value means the default in the comment beside the field.
type Config struct {
	Dir               string // directory of specs; "": no directory, only Bundles
	Bundles           []spec.Reference
	Refresh           time.Duration   // of bundles; 30s
	Registry          registry.Config // access to registries; its CAFile also applies to module.url
	XDSAddress        string          // required, host:port; port 0 means a free port
	ModulesAddress    string          // required
	AdminAddress      string          // required
	ModulesCluster    string          // wasm_xds_modules
	ModulesURL        string          // http:// and the address of the module server
	ModulesDirInEnvoy string          // the module store's own path on this machine
	StateDir          string          // the user's state directory
	Settle            time.Duration   // 20ms
	Rescan            time.Duration   // 10s
	Delivery          spec.Delivery   // remote
	AllowEmpty        bool
	BuildMemory       int64             // memory limit for concurrent builds of inline resources, in bytes; xds.DefaultBuildMemory
	ForgetRemoved     time.Duration     // how long a removed filter without subscribers is kept; 0: for ever
	Limits            xds.Limits        // limits for clients; Run sets Refused
	Guard             netguard.Guard    // decides which addresses modules are fetched from
	Preflight         examine.Mode      // enforce
	HostEnv           map[string]string // values for vm.hostEnv in the sandbox; nil: no values
	Keys              []string          // files with public keys: each module needs a signature by one of them; nil: no signatures
	Version           string            // for the build info metric
	Logger            *zap.Logger
	Started           func(Addresses) // called after all listeners are open; nil: no call
}

// Addresses are the listening addresses of a server.
type Addresses struct{ XDS, Modules, Admin string }

// gracePeriod is the time for transfers and answers after the end of the server began.
const gracePeriod = 3 * time.Second

// endLimit is the longest time for the end of the server. A container gets ten seconds before it is
// killed. With a shorter limit, the log can still say which parts have not ended.
const endLimit = 8 * time.Second

// Run serves until ctx ends, and returns after all its goroutines have ended. It fails if the start
// fails, for example because an address is taken or the state directory is in use.
//
// If the end takes longer than eight seconds, for example because a disk has stalled, Run returns
// [ending.ErrLate] with the parts that have not ended. The process should exit then.
func Run(ctx context.Context, cfg Config) error {
	var parts ending.Parts
	err := ending.Within(ctx, endLimit, &parts, func(ctx context.Context) error { return run(ctx, cfg, &parts) })
	if errors.Is(err, ending.ErrLate) {
		cfg.Logger.Error("the end takes too long: it is not waited for any more, and the newest state may not be on the disk. "+
			"Look whether the disk of the state directory answers", zap.Strings("waiting", parts.Left()), zap.Duration("after", endLimit))
	}
	return err
}

// run is Run without the time limit.
func run(ctx context.Context, cfg Config, parts *ending.Parts) (err error) {
	defer parts.Begin("the state directory to be closed")()
	files, err := openState(cfg.StateDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	store, err := module.OpenStore(files.Path("modules"))
	if err != nil {
		return stateProblem(files.Path("modules"), err)
	}
	defer store.Close()
	checked, err := signature.OpenChecked(files.Path("signatures"))
	if err != nil {
		return stateProblem(files.Path("signatures"), err)
	}
	defer func() { err = errors.Join(err, checked.Close()) }()
	listeners, err := listen(cfg)
	if err != nil {
		return err
	}
	defer listeners.close()

	decoded := preflight.NewModules(keptModules)
	defer decoded.Close()
	recorder := metrics.New(cfg.Version)
	gate := &transfer.Gate{} // for all fetches
	cfg.Registry.Guard, cfg.Registry.Gate = cfg.Guard, gate
	registries, err := registry.New(cfg.Registry)
	if err != nil {
		return err
	}
	defer registries.Close()
	roots, err := certs.Roots(cfg.Registry.CAFile)
	if err != nil {
		return err
	}
	modules := &module.Resolver{
		Store: store, Guard: cfg.Guard, Gate: gate, Roots: roots, Registry: registries, Keys: cfg.Keys, Checked: checked, Logger: cfg.Logger,
	}
	specs, sourceName, err := openSource(cfg, registries, modules, files.Path("bundles"), recorder)
	if err != nil {
		return err
	}

	c := control.New(control.Config{
		Source:     specs,
		Directory:  sourceName,
		Modules:    modules,
		Keys:       cfg.Keys,
		Store:      store,
		StandIns:   control.NewStandIns(),
		Files:      files,
		Metrics:    recorder,
		Logger:     cfg.Logger,
		Delivery:   cfg.Delivery,
		AllowEmpty: cfg.AllowEmpty,
		Policy:     delivery.Config{ForgetRemoved: cfg.ForgetRemoved, UnknownNames: cfg.Limits.Names},
		Examiner:   sandbox{store: store, mode: cfg.Preflight, modules: decoded},
		Preflight:  cfg.Preflight,
		Sandbox:    sandboxVersion(cfg.Version),
		HostEnv:    cfg.HostEnv,
	})
	if err := recorder.Watch(c); err != nil {
		return err
	}
	listeners.watchVisitors(c.Visited)
	builder := xds.NewBuilder(
		store, addressesFor(cfg, store, listeners), cfg.BuildMemory)

	group, ctx := errgroup.WithContext(ctx)
	cfg.Limits.Refused = func(r xds.Refusal) { c.StreamRefused(limitOf(r)) }
	server := xds.NewServer(ctx, c, builder, cfg.Limits, cfg.Logger)
	server.CountPushes(recorder.Pushed)
	group.Go(func() error {
		defer parts.Begin("the last state to be written")()
		return c.Run(ctx, server)
	})
	group.Go(func() error {
		defer parts.Begin("answers of the API")()
		return admin.Serve(ctx, listeners.admin, admin.HandlerOf(cfg.Version, c, recorder.Handler(cfg.Logger), cfg.Logger))
	})
	group.Go(func() error {
		defer parts.Begin("transfers of modules")()
		h := moduleserver.Handler(store, c.Serves, gets{c, recorder}, cfg.Logger)
		return serveHTTP(ctx, listeners.modules, moduleserver.NewServer(h, cfg.Logger))
	})
	group.Go(func() error {
		select {
		case <-c.Loaded():
		case <-ctx.Done():
			return nil
		}
		if cfg.Started != nil {
			cfg.Started(listeners.addresses())
		}
		defer parts.Begin("xDS streams and builds of resources")()
		return serveGRPC(ctx, listeners.xds, server, cfg.Limits)
	})
	return group.Wait()
}

// limitOf turns a refusal because of a limit into its form in the status.
func limitOf(r xds.Refusal) api.Limit {
	return api.Limit{
		Name: string(r.Limit), Flag: "--max-" + strings.ReplaceAll(string(r.Limit), "_", "-"),
		Most: r.Most, Node: r.Node, Address: r.Address,
	}
}

func addressesFor(cfg Config, store *module.Store, l *listeners) xds.Addresses {
	a := xds.Addresses{ModulesURL: cfg.ModulesURL, ModulesCluster: cfg.ModulesCluster, ModulesDir: cfg.ModulesDirInEnvoy}
	if a.ModulesURL == "" {
		a.ModulesURL = "http://" + l.modules.Addr().String()
	}
	if a.ModulesCluster == "" {
		a.ModulesCluster = "wasm_xds_modules"
	}
	if a.ModulesDir == "" {
		const anySHA256 = "0000000000000000000000000000000000000000000000000000000000000000"
		a.ModulesDir = filepath.Dir(store.Path(anySHA256))
	}
	return a
}

type listeners struct{ xds, modules, admin net.Listener }

// listen opens all three listeners. If one fails, the server does not start.
func listen(cfg Config) (*listeners, error) {
	l := &listeners{}
	for _, one := range []struct {
		flag, address string
		into          *net.Listener
	}{
		{"--xds-address", cfg.XDSAddress, &l.xds},
		{"--modules-address", cfg.ModulesAddress, &l.modules},
		{"--admin-address", cfg.AdminAddress, &l.admin},
	} {
		listener, err := net.Listen("tcp", one.address)
		if err != nil {
			l.close()
			return nil, addressProblem(one.flag, one.address, err)
		}
		*one.into = listener
	}
	return l, nil
}

func (l *listeners) addresses() Addresses {
	return Addresses{XDS: l.xds.Addr().String(), Modules: l.modules.Addr().String(), Admin: l.admin.Addr().String()}
}

func (l *listeners) close() {
	for _, listener := range []net.Listener{l.xds, l.modules, l.admin} {
		if listener != nil {
			_ = listener.Close() // the servers may have closed it already
		}
	}
}

func serveGRPC(ctx context.Context, l net.Listener, server *xds.Server, limits xds.Limits) error {
	g := grpc.NewServer(xds.GRPCOptions(limits)...)
	server.Register(g)
	ended := make(chan error, 1)
	go func() { ended <- g.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	// Streams of Envoy never end by themselves, so a graceful stop would wait for ever.
	g.Stop()
	server.Stop()
	_ = <-ended // the error only says that the server was stopped here
	return nil
}

func serveHTTP(ctx context.Context, l net.Listener, server *http.Server) error {
	var requests ending.Group
	server.Handler = requests.Handler(server.Handler)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), gracePeriod)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	requests.End() // Close does not wait for handlers
	_ = <-ended    // the error only says that the server was closed here
	return err
}
