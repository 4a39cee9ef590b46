package chaos

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// Plan draws operations from a seed and keeps the world after each operation.
type Plan struct {
	World *World
	// Ran has the contents before the last step, by the filter's place and the Envoy's version.
	// This content may run again after a stand-in, until the new content is known to load.
	Ran    []map[string]Seen
	random *rand.Rand
	envoys int
	n      int // of the last step
	stamps int // number of stamps so far
}

// NewPlan begins a plan for this number of Envoys.
func NewPlan(seed uint64, w *World, envoys int) *Plan {
	return &Plan{World: w, random: rand.New(rand.NewPCG(seed, 0)), envoys: envoys}
}

// First returns step 0, which writes a good spec of each filter and does no harm.
func (p *Plan) First() Step {
	s := Step{Kind: Burst}
	for i := range p.World.Filters {
		s.Edits = append(s.Edits, Edit{i, p.fresh(i)})
	}
	p.apply(s)
	return s
}

// Next draws the next step and changes the world accordingly. The result of a rollback is known
// only after the rollback, see [Plan.RolledBack].
func (p *Plan) Next() Step {
	p.n++
	p.Ran = nil
	for _, f := range p.World.Filters {
		p.Ran = append(p.Ran, maps.Clone(f.Runs))
	}
	s := Step{N: p.n, Filter: p.random.IntN(len(p.World.Filters)), Pick: p.random.Uint64(), For: p.upTo(1500 * time.Millisecond)}
	plain := p.World.Plain()
	s.Kind = p.kind(p.World.Filters[s.Filter])
	p.fill(&s)
	for range p.random.IntN(3) {
		s.Harm = append(s.Harm, p.harm(&s, plain))
	}
	if s.Kind == Nothing && len(s.Harm) == 0 {
		s.Harm = append(s.Harm, p.harm(&s, plain))
	}
	s.Harm = compatible(s.Harm)
	p.refuseAmongOthers(&s)
	if len(s.Harm) > 0 {
		s.After = p.upTo(time.Second)
		if slices.ContainsFunc(s.Harm, func(h Harm) bool { return h.Kind.kills() }) && p.random.IntN(3) == 0 {
			s.Return, s.After = true, p.upTo(100*time.Millisecond)
		} else if p.random.IntN(3) == 0 {
			s.Harm[0].After = s.After + p.upTo(200*time.Millisecond) // while the change is on its way
		}
	}
	p.apply(s)
	return s
}

// refuseAmongOthers makes Envoys refuse a content while they subscribe to other names, in half of
// such steps. A server could then take the answer for an answer to another response.
func (p *Plan) refuseAmongOthers(s *Step) {
	f := p.World.Filters[s.Filter]
	flaps := slices.ContainsFunc(s.Harm, func(h Harm) bool { return h.Kind == FlapListener })
	settled := !slices.ContainsFunc(s.Harm, func(h Harm) bool { return h.Preflight != "" || h.Kind == RotState })
	if !flaps || !settled || s.Kind != Nothing && s.Kind != Write || f.Spec == nil || f.Spec.Disabled || f.Pinned || p.random.IntN(2) == 0 {
		return
	}
	c := p.fresh(s.Filter)
	c.Fault = ConfigureFails
	s.Kind, s.Edits = Bad, []Edit{{s.Filter, c}}
}

// RolledBack tells the plan the result of a rollback.
func (p *Plan) RolledBack(filter int, to Seen, pinned bool) {
	p.World.Filters[filter].rollBack(to)
	p.World.Filters[filter].Pinned = pinned
}

func (p *Plan) apply(s Step) {
	for _, e := range s.Edits {
		p.World.Filters[e.Filter].write(e.Content, p.World.Versions)
	}
	switch s.Kind {
	case Remove:
		p.World.Filters[s.Filter].remove()
	case Unpin:
		p.World.Filters[s.Filter].unpin(p.World.Versions)
	}
	for _, h := range s.Harm {
		if h.Preflight != "" {
			p.World.Preflight = h.Preflight
		}
	}
}

// weighted returns the changes, the likelier ones several times.
func weighted() []Kind {
	return []Kind{
		Write, Write, Write, Write, Overwrite, Burst, Burst, Bad, Bad, Bad, Remove, Disable, RollBack, RollBack,
		MoveDir, SwapDir, HoldAll, Nothing, Nothing, Nothing, Pause, Pause, Abort, Abort, Freeze, Freeze, Pin,
	}
}

// kind draws a change with a certain result for the filter in its present state.
func (p *Plan) kind(f *Filter) Kind {
	kind := weighted()[p.random.IntN(len(weighted()))]
	if f.Pinned {
		return []Kind{Write, Unpin}[p.random.IntN(2)]
	}
	switch kind {
	case Overwrite, Remove, RollBack, Pin, Abort, Pause, Freeze:
		if !f.Plain() {
			return Write
		}
	case Disable:
		if f.Spec != nil && f.Spec.Disabled {
			return Enable
		}
		if !f.Plain() {
			return Write
		}
	case Bad:
		if f.Spec == nil || f.Spec.Disabled {
			return Write
		}
	case HoldAll, MoveDir:
		if p.World.Specs() < len(p.World.Filters) {
			return Burst
		}
	}
	return kind
}

// fill draws the contents that the change writes.
func (p *Plan) fill(s *Step) {
	f := p.World.Filters[s.Filter]
	switch s.Kind {
	case Pause, Freeze:
		c := p.fresh(s.Filter)
		c.Rollout = wavesText
		s.Edits = []Edit{{s.Filter, c}}
	case Abort:
		c := p.fresh(s.Filter)
		c.Rollout, c.Fault = "{canary: 1, soak: 1h}", Aborted
		s.Edits = []Edit{{s.Filter, c}}
	case Write, SwapDir:
		s.Edits = []Edit{{s.Filter, p.edited(s.Filter)}}
	case Overwrite:
		c := *f.Spec
		c.Stamp = p.stamp()
		s.Edits = []Edit{{s.Filter, c}}
	case Disable, Enable:
		c := *f.Spec
		c.Disabled = s.Kind == Disable
		s.Edits = []Edit{{s.Filter, c}}
	case Bad:
		c := p.fresh(s.Filter)
		c.Fault = p.fault()
		s.Edits = []Edit{{s.Filter, c}}
	case Burst:
		for range 1 + p.random.IntN(4) {
			i := p.random.IntN(len(p.World.Filters))
			s.Edits = append(s.Edits, Edit{i, p.fresh(i)})
		}
		for i := range p.World.Filters { // all at once
			s.Edits = append(s.Edits, Edit{i, p.fresh(i)})
		}
	}
}

// edited returns a content with a new module, a new configuration, or both.
func (p *Plan) edited(filter int) Content {
	c := p.fresh(filter)
	if f := p.World.Filters[filter]; f.Spec != nil && f.Spec.Fault == NoFault && p.random.IntN(3) == 0 {
		c.Stamp, c.File, c.Code = f.Spec.Stamp, f.Spec.File, f.Spec.Code
	}
	return c
}

// fresh returns a good content that no filter ever had.
func (p *Plan) fresh(filter int) Content {
	deliveries, removals := []string{"remote", "remote", "inline", "file"}, []string{"keep", "passthrough", "deny"}
	stamp := p.stamp()
	c := Content{
		Stamp: stamp, File: stamp, Config: fmt.Sprint("c", p.stamps),
		Delivery: deliveries[p.random.IntN(len(deliveries))], OnRemove: removals[p.random.IntN(len(removals))],
	}
	if p.random.IntN(4) == 0 {
		c.Code = p.random.IntN(60_000)
	}
	if p.random.IntN(4) == 0 {
		c.Rollout = wavesText
	}
	return c
}

// wavesText is a rollout in three waves.
const wavesText = "{canary: 1, steps: [50%], soak: 100ms}"

func (p *Plan) stamp() string {
	p.stamps++
	return fmt.Sprint("m", p.stamps)
}

func (p *Plan) fault() Fault {
	faults := []Fault{Garbage, MissingImport, ConfigureFails, ConfigureFails, BrokenYAML, UnknownField, MissingModule, TruncatedCode}
	if p.World.Preflight == "enforce" {
		// Without the sandbox, the last three would reach an Envoy. After the refusal of the first
		// by a canary of an old version, no other Envoy would get it.
		faults = append(faults, NewImport, Loops, Grows, NoMemory)
	}
	return faults[p.random.IntN(len(faults))]
}

// upTo returns a random duration of at most longest. Short durations are likelier.
func (p *Plan) upTo(longest time.Duration) time.Duration {
	part := p.random.Float64()
	return time.Duration(part * part * float64(longest)).Round(time.Millisecond)
}

// harms returns the kinds of harm, the likelier ones several times.
func harms() []HarmKind {
	return []HarmKind{
		KillServer, KillServer, StopServer, RotState, PauseServer, KillEnvoy, KillEnvoy, PauseEnvoy, CutLink, CutLink,
		RefuseLink, RefuseModules, SlowModules, FlapListener, FlapListener, FlapListener, FillDisk, StepClock,
	}
}

// harm draws one harm for a step. plain says whether the world was plain before the step: only
// then can a server without its state come to the same world from its directory.
func (p *Plan) harm(s *Step, plain bool) Harm {
	h := Harm{Kind: harms()[p.random.IntN(len(harms()))], After: p.upTo(time.Second), Envoy: p.random.IntN(p.envoys), Rot: p.random.Uint64()}
	switch h.Kind {
	case RotState:
		if !plain || s.Kind != Nothing && s.Kind != Write && s.Kind != Burst {
			h.Kind = KillServer
		}
	case StepClock:
		h.Step = time.Duration(p.random.Int64N(int64(48*time.Hour))) - 24*time.Hour
		h.Step = h.Step.Round(time.Second)
	}
	h.For = p.upTo(2 * time.Second)
	if h.Kind == FlapListener {
		h.For += time.Second // long enough for the change
	}
	// A bad module that passes in one mode and not in the other has no certain result, and a
	// hostile module kills Envoys.
	if (h.Kind == KillServer || h.Kind == StopServer) && plain && s.Kind != Bad && s.Kind != Abort && p.random.IntN(2) == 0 {
		h.Preflight = map[string]string{"enforce": "off", "off": "enforce"}[p.World.Preflight]
	}
	return h
}

// compatible leaves out harm that is impossible beside earlier harm of the list: a server that is
// down cannot be paused.
func compatible(all []Harm) []Harm {
	var some []Harm
	server, listeners, envoys := false, false, map[int]bool{}
	for _, h := range all {
		switch h.Kind {
		case KillServer, StopServer, RotState, PauseServer:
			if server {
				continue
			}
			server = true
		case KillEnvoy, PauseEnvoy:
			if envoys[h.Envoy] {
				continue
			}
			envoys[h.Envoy] = true
		case FlapListener:
			if listeners {
				continue
			}
			listeners = true
		}
		some = append(some, h)
	}
	return some
}
