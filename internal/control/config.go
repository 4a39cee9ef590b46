package control

import (
	"cmp"
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/builtin"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/health"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/internal/persist"
	"github.com/wasm-xds/wasm-xds/internal/trace"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/source/restart"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Config configures a control. All fields are required unless their comment names a zero value.
type Config struct {
	Source    source.Source
	Directory string // for the status
	Modules   ModuleResolver
	Store     ModuleStore
	StandIns  *builtin.Cache
	Files     persist.Files
	Metrics   Metrics      // nil: none
	Reports   health.Spans // of Envoys; nil: none
	Logger    *zap.Logger
	// Delivery is for specs without a delivery of their own; "" is remote.
	Delivery spec.Delivery
	// Verify says by whom all modules must be signed, whatever their specs ask for beside. The
	// source watches its files.
	Verify spec.Verify
	// Signatures returns the signatures by which a module was accepted; nil: the API shows none.
	Signatures func(snapshot.Module) []api.Signature
	// Show returns the resource of a revision for an Envoy of a version, without secrets; nil: the
	// API shows no resources.
	Show func(r *snapshot.Revision, variant snapshot.Variant, envoy string) (map[string]any, error)
	// AllowEmpty lets a source remove all of its specs at once.
	AllowEmpty bool
	// Examiner tries filters in the sandbox; nil: no filter is tried. Preflight is the effect of
	// findings; "" is enforce. A later process reuses findings if its Sandbox is the same.
	// HostEnv has the sandbox's values for names in vm.hostEnv.
	Examiner  Examiner
	Preflight examine.Mode
	Sandbox   string
	HostEnv   map[string]string
	// History is how many revisions of each filter the record keeps. 0 means no record. Appraiser
	// looks at their modules; nil: the record has no imports and no costs.
	History   int
	Appraiser Appraiser
	// Notify takes the notable events, and must not block; nil: nobody hears of them.
	Notify func(api.Event)
	// Trace takes the spans of edits, and must not block; nil: no spans are recorded.
	Trace func(trace.Span)
	// Ledger has the decisions that several replicas share; nil: the server decides alone. Replica
	// describes this one for the others, without what changes.
	Ledger  ledger.Ledger
	Replica ledger.Presence
	// Policy has delivery's times; the zero value selects the defaults. The control sets Epoch
	// and Substitutes itself.
	Policy delivery.Config
}

// withDefaults fills in the zero values.
func (cfg Config) withDefaults() Config {
	cfg.Delivery = cmp.Or(cfg.Delivery, spec.Remote)
	cfg.Preflight = cmp.Or(cfg.Preflight, examine.Enforce)
	if cfg.Metrics == nil {
		cfg.Metrics = noMetrics{}
	}
	cfg.Source = restart.New(cfg.Directory, cfg.Source)
	return cfg
}

// Sender sends responses without blocking.
type Sender interface {
	Send(delivery.Send)
	// Prepare announces an imminent send.
	Prepare(delivery.Send)
	// End ends the stream of an Envoy that asks for too many names without a spec.
	End(delivery.StreamID, delivery.Budget)
}

// ModuleResolver fetches modules into the store.
type ModuleResolver interface {
	ResolveSpec(ctx context.Context, s *spec.Spec) (snapshot.Module, *spec.Error)
	// ResolveTag asks a registry for the present digest of the module's tag.
	ResolveTag(ctx context.Context, m spec.Module) (digest string, problem *spec.Error)
}

// ModuleStore has the modules on disk.
type ModuleStore interface {
	// Sync returns when all modules survive a power failure.
	Sync() error
	// Read returns the bytes of a module, or an error if the store lacks them or they are damaged.
	Read(sha256 string) ([]byte, error)
	// Collect removes modules that are older than olderThan and that keep does not name.
	Collect(keep func(sha256 string) bool, olderThan time.Duration) (removed int, err error)
}

// Examiner tries filters in the sandbox.
type Examiner interface {
	// Examine returns the findings about s with its module and configuration. A result that
	// arrives after the end of ctx means nothing. The error explains why the module's bytes are
	// missing.
	Examine(ctx context.Context, s *spec.Spec, module snapshot.Module, config *string) (examine.Findings, *spec.Error)
}

// Appraiser looks at modules for the record.
type Appraiser interface {
	// Imports returns the functions that a module imports, as module.name, sorted; nil: the module
	// cannot be read.
	Imports(sha256 string) []string
	// Cost measures a filter in the sandbox; nil: it cannot be measured.
	Cost(ctx context.Context, s *spec.Spec, module snapshot.Module, config *string) *api.ModuleCost
}

// retryPauses returns the pauses before another try: of an unreadable or unreachable module, of a
// check past the time limit, and of a failed poll of a tag.
func retryPauses() pause.Policy { return pause.Policy{First: 15 * time.Second, Most: 5 * time.Minute} }
