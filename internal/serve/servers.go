package serve

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/wasm-xds/wasm-xds/internal/address"
	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/control"
	"github.com/wasm-xds/wasm-xds/internal/ending"
	"github.com/wasm-xds/wasm-xds/internal/health/prometheus"
	"github.com/wasm-xds/wasm-xds/internal/health/watcher"
	"github.com/wasm-xds/wasm-xds/internal/inflow"
	"github.com/wasm-xds/wasm-xds/internal/metrics"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/moduleserver"
	"github.com/wasm-xds/wasm-xds/internal/peer"
	"github.com/wasm-xds/wasm-xds/internal/signal"
	"github.com/wasm-xds/wasm-xds/internal/tlsserver"
	"github.com/wasm-xds/wasm-xds/internal/xds"
	"github.com/wasm-xds/wasm-xds/internal/xds/resource"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// gracePeriod is the time for transfers and answers after the end of the server began.
const gracePeriod = 3 * time.Second

// servers are the serving parts, each in a separate goroutine.
type servers struct {
	cfg          *Config
	store        *module.Store
	listeners    *listeners
	certificates *certificates
	identities   *identities
	tokens       *tokens
	webhooks     *webhooks
	traces       traces
	audit        *auditLog
	recorder     *metrics.Recorder
	control      *control.Control
	reports      *signal.Store
	fleet        *fleet
	shown        shown
	ready        chan struct{} // closed when Envoys can connect
	parts        *ending.Parts
}

// run serves until ctx ends or a server fails, and returns after all have ended.
func (s *servers) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	limits := s.cfg.Limits
	limits.Refused = func(r xds.Refusal) { s.shown.StreamRefused(limitOf(r)) }
	builder := resource.NewBuilder(s.store, addressesFor(s.cfg, s.store, s.listeners), s.cfg.BuildMemory)
	streams := xds.NewServer(ctx, s.control, builder, limits, s.cfg.Logger)
	s.recorder.WatchWaiting(streams.Waiting)
	streams.CountPushes(s.recorder.Pushed)
	streams.TakeReports(s.reports)
	streams.ReportForeign(func(f xds.Foreign) { s.shown.Visited(foreignOf(f)) })
	if s.identities.isOn {
		streams.Identify(xds.Identities{Decide: s.identities.decide, Refused: s.claimRefused})
	}
	looks := make(chan chan<- struct{})
	group.Go(func() error {
		follow(ctx, looks, slices.Concat(s.certificates.followed(s.shown.Visited), s.tokens.followed(), s.identities.followed(streams.Recheck), s.webhooks.followed(), s.certificates.expiry(s.control.Publish))...)
		return nil
	})
	group.Go(func() error {
		s.supervision(looks).run(ctx)
		return nil
	})
	group.Go(func() error {
		returnMemory(ctx)
		return nil
	})
	group.Go(func() error {
		forgetReports(ctx, s.reports)
		return nil
	})
	group.Go(func() error {
		defer s.parts.Begin("questions to Prometheus servers")()
		watcher.New(s.control, s.reports, prometheus.Asker{Guard: s.cfg.Guard}).Run(ctx)
		return nil
	})
	ended := make(chan struct{}) // closed when there are no further spans
	group.Go(func() error {
		defer s.parts.Begin("the last state to be written")()
		defer close(ended)
		return s.control.Run(ctx, streams)
	})
	group.Go(func() error {
		defer s.parts.Begin("traces to the collector")()
		s.traces.run(ctx, ended)
		return nil
	})
	group.Go(func() error {
		defer s.parts.Begin("messages to webhooks")()
		s.webhooks.Run(ctx)
		return nil
	})
	group.Go(func() error {
		defer s.parts.Begin("answers of the API")()
		return s.serveAdmin(ctx)
	})
	group.Go(func() error {
		defer s.parts.Begin("transfers of modules")()
		var access moduleserver.Access = moduleserver.Served(s.control.Serves)
		if s.identities.isOn {
			access = identifiedAccess{s.control, s.claimRefused}
		}
		access = peerAccess{access, s.control.Serves}
		h := peer.Handler(s.fleet.key, own{s.fleet}, moduleserver.Handler(s.store, access, gets{s.control, s.recorder, s.fleet}, s.cfg.Logger))
		server := s.moduleServer(h)
		s.setLimits(server)
		s.listeners.lobbies.modules.HTTP(server)
		return serveHTTP(ctx, s.listeners.modules, server)
	})
	group.Go(func() error {
		s.fleet.Run(ctx)
		return nil
	})
	group.Go(func() error { return s.serveStreams(ctx, streams, limits) })
	group.Go(func() error {
		s.awaitReady(ctx)
		return nil
	})
	return group.Wait()
}

// awaitReady closes ready once there is a snapshot, and the certificate, if the port needs a
// certificate.
func (s *servers) awaitReady(ctx context.Context) {
	for _, one := range []<-chan struct{}{s.control.Loaded(), s.certificates.envoys.ready()} {
		select {
		case <-one:
		case <-ctx.Done():
			return
		}
	}
	close(s.ready)
}

// supervision returns the part for the service manager.
func (s *servers) supervision(looks chan<- chan<- struct{}) *supervision {
	return &supervision{
		manager: s.cfg.Manager, loaded: s.ready, reload: s.cfg.Reload, counts: s.shown.Counts,
		reread: func(ctx context.Context) { s.reread(ctx, looks) }, log: s.cfg.Logger,
	}
}

// reread reads all files and sources at once, and logs the outcome.
func (s *servers) reread(ctx context.Context, looks chan<- chan<- struct{}) {
	looked := make(chan struct{})
	select {
	case looks <- looked:
		<-looked
	case <-ctx.Done():
		return
	}
	outcome, problem := s.shown.Sync(ctx)
	if problem == nil {
		problem = outcome.Error
	}
	if problem != nil {
		s.cfg.Logger.Error("a reload has not read all specs", zap.String("error", problem.Message), zap.String("hint", problem.Hint))
		return
	}
	s.cfg.Logger.Info("everything was read again", zap.Int("filters", len(outcome.Filters)), zap.Int("errors", len(outcome.Errors)))
}

// serveAdmin serves the API, over TLS if there are certificates.
func (s *servers) serveAdmin(ctx context.Context) error {
	o := admin.Options{
		Version: s.cfg.Version, Fleet: s.fleet, Metrics: s.recorder.Handler(s.cfg.Logger), Audit: s.audit.Logger,
		Refused: func(from string) { s.shown.Visited(wrongToken(from)) },
	}
	if s.tokens.file != nil {
		o.Tokens = s.tokens.file
	}
	encrypted := s.certificates.admin.Server
	if encrypted == nil {
		return admin.Serve(ctx, s.listeners.admin, s.adminServer(admin.Handler(s.shown, o)))
	}
	o.OwnName = encrypted.IsFor
	handler := encrypted.Handler("admin", admin.Handler(s.shown, o), s.deny("admin", admin.Untrusted))
	return admin.Serve(ctx, tls.NewListener(s.listeners.admin, encrypted.Config("http/1.1")), s.adminServer(handler))
}

func (s *servers) adminServer(h http.Handler) *http.Server {
	server := &http.Server{Handler: h, ErrorLog: s.errorLog("admin")} //nolint:gosec // setLimits sets the times
	s.setLimits(server)
	s.listeners.lobbies.admin.HTTP(server)
	return server
}

// errorLog takes the errors of an HTTP server, and reports failed handshakes.
func (s *servers) errorLog(port string) *log.Logger {
	return log.New(tlsserver.HTTPLog{
		Refused: func(from, text string) { s.refused(port, from, text) },
		Other:   func(line string) { s.cfg.Logger.Debug(line) },
	}, "", 0)
}

// moduleServer serves modules over TLS if there are certificates.
func (s *servers) moduleServer(h http.Handler) *http.Server {
	encrypted := s.certificates.envoys.Server
	if encrypted == nil {
		return moduleserver.NewServer(h, s.cfg.Logger)
	}
	server := moduleserver.NewServer(encrypted.Handler("modules", h, s.deny("modules", moduleserver.Untrusted)), s.cfg.Logger)
	server.TLSConfig = encrypted.Config("http/1.1")
	server.ErrorLog = s.errorLog("modules")
	return server
}

// claimRefused reports a claim beyond the client's certificate.
func (s *servers) claimRefused(r xds.RefusedClaim) {
	s.shown.ClaimRefused(r.Certificate.Key(), refusalIn(r))
}

// refused reports a failed handshake.
func (s *servers) refused(port, from, text string) {
	if tlsserver.TimedOut(text) {
		s.shown.StreamRefused(api.Limit{
			Name: "handshake_timeout", Flag: "--handshake-timeout", Most: int(s.handshakeTimeout() / time.Second), Address: from,
		})
		return
	}
	if v, ok := refusalOf(port, s.certificates.advice(port), from, text); ok {
		s.shown.Visited(v)
	}
}

// deny reports a request of a client after the loss of trust, before answer answers the request.
func (s *servers) deny(port string, answer http.HandlerFunc) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, r *http.Request, err error) {
		s.refused(port, r.RemoteAddr, err.Error())
		answer(w, r)
	}
}

// serveStreams lets Envoys connect once the control has a snapshot, and the port a certificate: an
// Envoy with an earlier request would learn of no filter.
func (s *servers) serveStreams(ctx context.Context, streams *xds.Server, limits xds.Limits) error {
	select {
	case <-s.ready:
	case <-ctx.Done():
		return nil
	}
	if s.cfg.Started != nil {
		s.cfg.Started(s.listeners.addresses())
	}
	defer s.parts.Begin("xDS streams and builds of resources")()
	guard := inflow.New(s.cfg.Inflow, func(r inflow.Reached) { s.shown.StreamRefused(inflowLimitOf(r)) })
	var watch sync.WaitGroup
	defer watch.Wait()
	watch.Go(func() { guard.Watch(ctx) })
	options, handshake := append(xds.GRPCOptions(limits), streams.Unknown()), insecure.NewCredentials()
	options = append(options, grpc.ConnectionTimeout(s.handshakeTimeout()), grpc.MaxHeaderListSize(uint32(s.headerSize())))
	if f := s.certificates.envoys.Server; f != nil {
		handshake = f.GRPC("xds", func(from net.Addr, err error) { s.refused("xds", address.Client(from), err.Error()) })
	}
	options = append(options, grpc.Creds(guard.Credentials(handshake)))
	return serveGRPC(ctx, s.listeners.lobbies.xds.Streams(s.listeners.xds), streams, grpc.NewServer(options...))
}

func (s *servers) handshakeTimeout() time.Duration {
	return cmp.Or(s.cfg.HandshakeTimeout, DefaultHandshakeTimeout)
}

func (s *servers) headerSize() int { return cmp.Or(s.cfg.HeaderSize, DefaultHeaderSize) }

// setLimits sets the limits of a server of HTTP/1. A TLS handshake has the time of the headers.
func (s *servers) setLimits(server *http.Server) {
	server.ReadHeaderTimeout, server.MaxHeaderBytes = s.handshakeTimeout(), s.headerSize()
	server.DisableGeneralOptionsHandler = true // OPTIONS * is no request of ours
	server.IdleTimeout = s.cfg.Limits.WithDefaults().ConnectionIdle
}

// limitOf turns a refusal because of a limit into the form in the status.
func limitOf(r xds.Refusal) api.Limit {
	flag := "--max-" + strings.ReplaceAll(string(r.Limit), "_", "-")
	if r.Limit == xds.LimitConnectRate {
		flag = "--connect-rate"
	}
	return api.Limit{Name: string(r.Limit), Flag: flag, Most: r.Most, Node: r.Node, Address: r.Address}
}

// inflowLimitOf is limitOf for a limit on the input of a client.
func inflowLimitOf(r inflow.Reached) api.Limit {
	name := string(r.Limit)
	flag := "--max-" + strings.ReplaceAll(name, "_", "-")
	if r.Limit == inflow.Patience {
		flag = "--request-timeout"
	}
	return api.Limit{Name: name, Flag: flag, Most: int(r.Most), Address: r.Address}
}

// addressesFor says where Envoys find modules.
func addressesFor(cfg *Config, store *module.Store, l *listeners) resource.Addresses {
	url := address.Of(l.modules).URL()
	if cfg.TLS.CertFile != "" || cfg.SPIFFE.Socket != "" {
		url = "https" + strings.TrimPrefix(url, "http")
	}
	const anySHA256 = "0000000000000000000000000000000000000000000000000000000000000000"
	return resource.Addresses{
		ModulesURL:     cmp.Or(cfg.ModulesURL, url),
		ModulesCluster: cmp.Or(cfg.ModulesCluster, "wasm_xds_modules"),
		ModulesDir:     cmp.Or(cfg.ModulesDirInEnvoy, filepath.Dir(store.Path(anySHA256))),
	}
}

// showResource returns the function that shows the resource of a revision.
func showResource(cfg *Config, store *module.Store, l *listeners) func(*snapshot.Revision, snapshot.Variant, string) (map[string]any, error) {
	at := addressesFor(cfg, store, l)
	return func(r *snapshot.Revision, variant snapshot.Variant, envoy string) (map[string]any, error) {
		return resource.Show(r, variant, envoy, at)
	}
}

func serveGRPC(ctx context.Context, l net.Listener, server *xds.Server, g *grpc.Server) error {
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
	go func() {
		if server.TLSConfig != nil {
			ended <- server.ServeTLS(l, "", "")
		} else {
			ended <- server.Serve(l)
		}
	}()
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
