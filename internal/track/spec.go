package track

import (
	"fmt"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/checkqueue"
	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Phase is how far a spec is on its way.
type Phase int

// The phases.
const (
	Reading  Phase = iota // its module or configuration is being read
	Checking              // the sandbox tries it
	Ready                 // it has a wanted filter
	Failed                // it has none: the outcome has the error
)

// Spec is the journey of a spec, with one content of its files. Journeys survive from set to
// set, so an edit among ten thousand specs costs little more than an edit among ten.
type Spec struct {
	spec   *spec.Spec
	inputs inputs
	began  time.Time
	module need
	config need // read nil: the spec names no file with the configuration
	gone   bool // another journey has taken its place, or the spec is gone

	phase   Phase
	outcome desired.Outcome

	// The following fields are the state within the phases Checking and Failed.
	from    [2]*Result        // of the reads from which content was made
	content *content          // nil: the reads have not succeeded
	try     *checkqueue.Check // the check of the content, never queued itself; nil: it is not tried
	found   *examine.Findings // the findings from which the outcome was made
	looked  bool              // the findings have been looked for
	told    bool              // the caller got to know the findings

	// key is the key of the findings; "": not known yet, or the spec is not tried.
	key string
}

// Spec returns the text.
func (s *Spec) Spec() *spec.Spec { return s.spec }

// Began returns the time at which the text, or a file that it names, was seen first.
func (s *Spec) Began() time.Time { return s.began }

// Phase returns how far the spec is.
func (s *Spec) Phase() Phase { return s.phase }

// Revision is the revision of a spec that is ready; nil: the spec is in another phase.
func (s *Spec) Revision() *snapshot.Revision {
	if s.phase != Ready {
		return nil
	}
	return s.outcome.Revision
}

// Wait is the reason for which the download of the module pauses; zero: no pause.
func (s *Spec) Wait() transfer.Wait {
	if task := s.module.read.task; task != nil {
		return task.wait
	}
	return transfer.Wait{}
}

// plain says whether the spec is ready, without a warning. Most specs are plain.
func (s *Spec) plain() bool { return s.phase == Ready && s.outcome.Warnings == nil }

// missing returns the needs of the spec without a result.
func (s *Spec) missing(yield func(need)) {
	if s.phase == Ready {
		return
	}
	for _, n := range [...]need{s.module, s.config} {
		if n.read != nil && n.read.result == nil {
			yield(n)
		}
	}
}

// restart begins the journey again.
func (s *Spec) restart() {
	s.phase, s.outcome = Reading, desired.Outcome{}
	s.from, s.told = [2]*Result{}, false
}

// fail ends the journey with an error.
func (s *Spec) fail(err *spec.Error, at spec.Position) {
	s.phase, s.outcome = Failed, desired.Outcome{Err: desired.ErrorOf(s.spec, err, at)}
}

// takeReads takes the results of the spec's reads: from Reading to Checking, or to Failed. A
// spec that has taken the same results before stays as it is.
func (s *Spec) takeReads(c *Checks) {
	read, config := s.module.read.result, (*Result)(nil)
	if s.config.read != nil {
		config = s.config.read.result
	}
	switch {
	case s.phase == Ready:
		return
	case read == nil, read.Err == nil && s.config.read != nil && config == nil:
		s.phase, s.outcome = Reading, desired.Outcome{Pending: true}
		return
	case s.phase != Reading && s.from == [2]*Result{read, config}:
		return
	}
	s.from, s.content, s.try, s.found, s.looked = [2]*Result{read, config}, nil, nil, nil, false
	if read.Err != nil {
		s.fail(read.Err, desired.ModulePosition(s.spec))
		return
	}
	text := s.spec.Config
	if config != nil {
		if config.Err != nil {
			s.fail(config.Err, s.spec.ConfigFrom.Pos)
			return
		}
		var problem *spec.Error
		if text, problem = module.Encode(s.spec, *config.Config); problem != nil {
			s.fail(problem, s.spec.ConfigFrom.Pos)
			return
		}
	}
	s.content = &content{spec: module.Complete(s.spec, read.Module), module: read.Module, config: text}
	s.phase, s.key = Checking, ""
	if s.try = c.try(s.content, s.module.read.key); s.try != nil {
		s.key = s.try.Key
	}
}

// takeFindings takes the sandbox's findings: from Checking to Ready or Failed. missing is a
// check that has to run first; nil: none, or the queue has it.
func (s *Spec) takeFindings(c *Checks, delivery spec.Delivery, work *Work) (missing *checkqueue.Check) {
	if s.content == nil || s.phase == Ready || s.phase == Reading {
		return nil
	}
	found, told, soFar := &examine.Findings{}, &s.told, false
	if s.try != nil {
		first := !s.looked
		s.looked = true
		if found = c.Known.Get(s.key); found == nil {
			k := c.Queue.Get(s.key)
			if k == nil {
				s.phase, s.outcome = Checking, desired.Outcome{Pending: true, Checking: true, Fresh: true}
				one := *s.try
				return &one
			}
			v, some := k.SoFar()
			if !some {
				s.phase, s.outcome = Checking, desired.Outcome{Pending: true, Checking: true, Fresh: k.Fresh()}
				return nil
			}
			found, told, soFar = &v, &k.Told, true
		} else if first {
			work.Known++
		}
	}
	if s.phase == Failed && s.found == found {
		return nil
	}
	s.found = found
	s.outcome = decide(s.content, found, c.mode, delivery)
	if !*told {
		*told = true
		work.News = append(work.News, News{s.outcome.Refused, s.outcome.Err, s.outcome.Warnings})
	}
	switch {
	case soFar: // the sandbox tries the spec again
		s.phase = Checking
	case s.outcome.Filter != nil:
		s.phase, s.content, s.try, s.found = Ready, nil, nil, nil
	default:
		s.phase = Failed
	}
	return nil
}

// decide returns the outcome of a spec with these findings.
func decide(of *content, found *examine.Findings, mode examine.Mode, delivery spec.Delivery) desired.Outcome {
	var o desired.Outcome
	s, warnings := of.spec, found.Warnings
	if mode == examine.Warn {
		warnings = append(warnings[:len(warnings):len(warnings)], found.Errors...)
	} else if len(found.Errors) > 0 {
		o.Err = firstOf(s, found.Errors)
	}
	for _, f := range warnings {
		o.Warnings = append(o.Warnings, f.In(s))
	}
	o.Warnings = append(o.Warnings, s.Notices(of.config)...)
	if s.AutoCapabilities {
		auto := *s
		auto.Capabilities = found.Capabilities
		s = &auto
	}
	revision := snapshot.FromSpec(s, of.module, of.config)
	if o.Err != nil {
		o.Refused = revision.ID
		return o
	}
	o.Revision = revision
	if mode == examine.Enforce {
		o.Revision.Refusals = found.Refusals
	}
	o.Filter = desired.NewFilter(s, o.Revision, delivery)
	return o
}

// firstOf is the first finding as the spec's error. The message counts the remaining findings.
func firstOf(s *spec.Spec, found []examine.Finding) *spec.Error {
	e := found[0].In(s)
	if more := len(found) - 1; more > 0 {
		e.Message += fmt.Sprintf("; %d more: see wasm-xds check", more)
	}
	return e
}
