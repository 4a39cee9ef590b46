package sandbox

import (
	"context"
	"reflect"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
)

// The bounds of instances started ahead.
const (
	maximumSpares      = 8
	maximumSpareMemory = 16 << 20
)

// spare is a started instance, not configured yet, for the next run with the same start.
type spare struct {
	of       *prepared
	start    start
	versions []string
	vm       *host.VM // nil: not made yet
}

// start is the part of a request with an effect on a module's start.
type start struct {
	abi    string
	config host.Config // without the configurations: a module reads them later
}

func newStart(abi string, config host.Config) start {
	config.VMConfig, config.PluginConfig = nil, nil
	return start{abi: abi, config: config}
}

// make starts the instance; false: the instance has not started, although an earlier instance of
// the module has.
func (s *spare) make(ctx context.Context) bool {
	s.vm = host.New(s.start.config, s.start.abi, s.versions, s.of.imports)
	if err := s.vm.Instantiate(ctx, s.of.runtime, s.of.compiled); err != nil {
		return false
	}
	return s.vm.Start(ctx) == nil
}

func (s *spare) close(ctx context.Context) { _ = s.vm.Close(ctx) } // the instance is unused

// spares are the started instances and the instances to start. [Modules] guards them. See
// docs/RATIONALE.md#why-are-instances-started-ahead.
type spares struct {
	ready  []*spare // oldest first
	wanted []*spare
}

// want drops the oldest request if there are too many.
func (s *spares) want(one *spare) {
	if len(s.wanted) == maximumSpares {
		s.wanted = slices.Delete(s.wanted, 0, 1)
	}
	s.wanted = append(s.wanted, one)
}

// next returns the next spare to make, or nil.
func (s *spares) next() *spare {
	if len(s.wanted) == 0 {
		return nil
	}
	one := s.wanted[0]
	s.wanted = s.wanted[1:]
	return one
}

// add keeps a new spare, and returns the oldest spare if there are too many.
func (s *spares) add(one *spare) (surplus *spare) {
	if s.ready = append(s.ready, one); len(s.ready) > maximumSpares {
		surplus = s.ready[0]
		s.ready = s.ready[1:]
	}
	return surplus
}

// take returns a spare for a run, or nil.
func (s *spares) take(of *prepared, start start, versions []string) *spare {
	i := slices.IndexFunc(s.ready, func(one *spare) bool {
		return one.of == of && slices.Equal(one.versions, versions) && reflect.DeepEqual(one.start, start)
	})
	if i < 0 {
		return nil
	}
	taken := s.ready[i]
	s.ready = slices.Delete(s.ready, i, i+1)
	return taken
}

// drop forgets the instances of a dropped module: they end with the module.
func (s *spares) drop(of *prepared) {
	is := func(one *spare) bool { return one.of == of }
	s.ready = slices.DeleteFunc(s.ready, is)
	s.wanted = slices.DeleteFunc(s.wanted, is)
}
