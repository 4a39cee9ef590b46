package serve

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/builtin"
	"github.com/wasm-xds/wasm-xds/internal/control"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/door"
	"github.com/wasm-xds/wasm-xds/internal/ending"
	"github.com/wasm-xds/wasm-xds/internal/metrics"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
)

// endLimit is the longest time for the end of the server. A container gets ten seconds before it is
// killed. With a shorter limit, the log can still say which parts have not ended.
const endLimit = 8 * time.Second

// Run serves until ctx ends, and returns after all its goroutines have ended. Run fails if the
// start fails, for example because an address is taken or the state directory is in use.
//
// If the end takes longer than eight seconds, for example because a disk has stalled, Run returns
// [ending.ErrLate] with the still running parts. The process should exit then.
func Run(ctx context.Context, cfg Config) error {
	var parts ending.Parts
	err := ending.Within(ctx, endLimit, &parts, func(ctx context.Context) error { return run(ctx, &cfg, &parts) })
	if errors.Is(err, ending.ErrLate) {
		cfg.Logger.Error("the end takes too long: it is not waited for any more, and the newest state may not be on the disk. "+
			"Look whether the disk of the state directory answers", zap.Strings("waiting", parts.Left()), zap.Duration("after", endLimit))
	}
	return err
}

// run is Run without the time limit. run makes the parts, and closes them in the opposite order.
func run(ctx context.Context, cfg *Config, parts *ending.Parts) (err error) {
	defer parts.Begin("the state directory to be closed")()
	files, err := openFiles(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.close()) }()
	files.report(cfg)
	if files.dir.ReadOnly() {
		cfg.Logger.Error("the state directory is on a read-only file system: the last state is served on, and no new revision is, "+
			"since it could not be noted which Envoys get it",
			zap.String("directory", files.dir.Path()), zap.String("hint", "mount it for writing, and start wasm-xds again"))
	}
	start, problems := readStart(cfg)
	defer func() { err = errors.Join(err, start.close()) }()
	if len(problems) > 0 {
		return problems[0]
	}
	audit, err := openAudit(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, audit.close()) }()
	listeners, err := listen(cfg)
	if err != nil {
		return err
	}
	defer listeners.close()
	examiner := newExaminer(files.store, cfg.Preflight, cfg.Examined)
	defer examiner.close()
	recorder, gate := metrics.New(cfg.Version), &transfer.Gate{}
	others := joinReplicas(cfg, start.etcd, addressesFor(cfg, files.store, listeners).ModulesURL)
	fleet := newFleet(cfg, start.certificates.envoys.Server, gate, recorder)
	defer fleet.close()
	from, err := openFetching(cfg, files, gate, fleet)
	if err != nil {
		return err
	}
	defer from.close()
	specs, name, err := openSource(cfg, from, start.etcd, files, recorder)
	if err != nil {
		return err
	}
	reports := newReports(cfg.Limits)
	c := control.New(control.Config{
		Source:     specs,
		Directory:  name,
		Modules:    from.modules,
		Verify:     cfg.Verify,
		Signatures: from.signatures,
		Show:       showResource(cfg, files.store, listeners),
		Store:      files.store,
		StandIns:   builtin.NewCache(),
		Files:      files.dir,
		Metrics:    recorder,
		Reports:    reports,
		Logger:     cfg.Logger,
		Delivery:   cfg.Delivery,
		AllowEmpty: cfg.AllowEmpty,
		Policy:     delivery.Config{ForgetRemoved: cfg.ForgetRemoved, UnknownNames: cfg.Limits.Names, UnknownBytes: cfg.Limits.NameBytes},
		Examiner:   examiner,
		Preflight:  cfg.Preflight,
		Sandbox:    sandboxVersion(cfg.Version),
		HostEnv:    cfg.HostEnv,
		History:    cfg.History,
		Appraiser:  examiner,
		Ledger:     others.ledger,
		Replica:    others.presence,
		Notify:     start.webhooks.Notify,
		Trace:      start.traces.start(cfg, recorder),
	})
	fleet.serve(c)
	others.follow(c)
	entrance := door.New(recorder, cfg.Logger)
	shown := shown{control.NewAPI(c), entrance, start.certificates, start.identities, start.tokens, start.webhooks, reports, fleet}
	if err := recorder.Watch(shown); err != nil {
		return err
	}
	recorder.WatchCertificates(start.certificates.Certificates)
	recorder.WatchIdentity(start.identities.state)
	recorder.WatchReports(reports.Totals)
	recorder.WatchReplica(fleet.standing)
	recorder.WatchTokens(start.tokens.state)
	recorder.WatchWebhooks(start.webhooks.State)
	start.webhooks.start(files.dir, recorder)
	listeners.bound(cfg.Connections, entrance.StreamRefused)
	listeners.watchVisitors(start.certificates.envoys.Server != nil, start.certificates.admin.Server != nil, entrance.Visited)
	s := servers{
		cfg: cfg, store: files.store, listeners: listeners, certificates: start.certificates, identities: start.identities, tokens: start.tokens, webhooks: start.webhooks, traces: start.traces, audit: audit, recorder: recorder, control: c,
		reports: reports, fleet: fleet, shown: shown, ready: make(chan struct{}), parts: parts,
	}
	return s.run(ctx)
}
