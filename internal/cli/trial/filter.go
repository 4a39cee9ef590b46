package trial

import (
	"context"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/preflight/profile"
	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Options configures the trial of filters.
type Options struct {
	Mode examine.Mode
	// Versions are the Envoys that must load the filters. Empty: any known version must.
	Versions []string
	HostEnv  map[string]string
}

// Filter is a filter after its trial in the sandbox.
type Filter struct {
	load.Resolved
	examine.Result
	checked time.Duration   // the duration of the check, without the tests
	profile *profile.Result // nil: not asked for, or not possible
	// coverage is nil if nobody has asked for it, or the module does not load.
	coverage *runner.Coverage
}

// warnings are the findings that are shown without making check fail.
func (e Filter) warnings() []*spec.Error {
	all := e.Spec.Notices(e.Revision.Config)
	for _, p := range slices.Concat(e.Warnings, e.Partial) {
		all = append(all, examine.Error(e.Spec, p))
	}
	return all
}

// examineAll runs the filters and their tests in the sandbox, with as many at a time as there are
// processors.
func examineAll(ctx context.Context, store *module.Store, all []load.Resolved, how Options) ([]Filter, error) {
	done := make([]Filter, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, one := range all {
		group.Go(func() error {
			sum := one.Revision.Module.SHA256
			code, err := store.Read(sum)
			if err != nil {
				return err
			}
			module := examine.Module{Bytes: code, SHA256: sum}
			one.Spec = examine.WithHostEnv(one.Spec, how.HostEnv)
			begun := time.Now()
			result := examine.Filter(ctx, nil, one.Spec, module, one.Revision.Config, how.Versions)
			checked := time.Since(begun)
			for _, test := range result.Tests {
				checked -= test.Duration
			}
			done[i] = Filter{Resolved: one, Result: result, checked: checked}
			return ctx.Err()
		})
	}
	return done, group.Wait()
}
