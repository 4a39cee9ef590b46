package chaos

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"
)

// doHarm does a harm and undoes the harm.
func doHarm(r *rig, h Harm) {
	if h.Kind.kills() {
		defer r.isBack() // even if the process cannot be started again
	}
	rest(r.ctx, h.After)
	e := r.envoys[h.Envoy]
	switch h.Kind {
	case KillServer, RotState:
		r.cp.Kill()
		startAgain(r, h)
	case StopServer:
		r.cp.Stop()
		startAgain(r, h)
	case PauseServer:
		r.cp.Pause()
		rest(r.ctx, h.For)
		r.cp.Resume()
	case KillEnvoy:
		e.load.goDown()
		e.process.Kill()
		rest(r.ctx, h.For)
		e.process.Restart()
		r.isBack()
		e.ready(r.t)
	case PauseEnvoy:
		e.process.Pause()
		rest(r.ctx, h.For)
		e.process.Resume()
	case CutLink:
		e.xds.Cut()
		e.modules.Cut()
	case RefuseLink:
		e.xds.Refuse()
		e.modules.Refuse()
		rest(r.ctx, h.For)
		e.xds.Restore()
		e.modules.Restore()
	case RefuseModules:
		e.modules.Refuse()
		rest(r.ctx, h.For)
		e.modules.Restore()
	case SlowModules:
		e.modules.SetRate(slowRate)
		rest(r.ctx, h.For)
		e.modules.SetRate(0)
	case FlapListener:
		flap(r, h)
	case FillDisk:
		r.must("fill the disk", r.disk.fill(r.cp.PID()))
		rest(r.ctx, h.For)
		r.must("free the disk", r.disk.free(r.cp.PID()))
	case StepClock:
		r.must("step the clock", r.clock.step(h.Step))
	}
}

// startAgain starts the server again after the time and the damage of the harm.
func startAgain(r *rig, h Harm) {
	rest(r.ctx, h.For)
	if h.Kind == RotState {
		r.must("damage the state", damage(r, h.Rot))
	}
	if h.Preflight != "" {
		r.setArgs(h.Preflight)
	}
	r.cp.Start()
	r.isBack()
}

// damage spoils one to three files of the state directory.
func damage(r *rig, seed uint64) error {
	r.damaged = true
	random := rand.New(rand.NewPCG(seed, 1))
	var files []string
	for _, pattern := range []string{"state.json", "unsettled.json*", "verdicts.json*", "signatures", "modules/*"} {
		some, err := filepath.Glob(filepath.Join(r.disk.state(), pattern))
		if err != nil {
			return err
		}
		if len(some) > 0 {
			files = append(files, some[random.IntN(len(some))])
		}
	}
	slices.Sort(files)
	if random.IntN(2) == 0 {
		files = append(files, filepath.Join(r.disk.state(), "state.json")) // the likeliest and worst file
	}
	for range 1 + random.IntN(3) {
		if err := spoil(files[random.IntN(len(files))], random); err != nil {
			return err
		}
	}
	return nil
}

// slowRate is the rate of a slow module link, in bytes per second.
const slowRate = 200_000

// sideInterval is the time for which the side listener exists, and for which it does not.
const sideInterval = 20 * time.Millisecond

// flap adds and removes the side listeners of all Envoys for a time. The Envoys' links are slow
// meanwhile, so requests and responses cross on the way.
func flap(r *rig, h Harm) {
	for _, e := range r.envoys {
		e.xds.SetRate(slowRate / 4)
		defer e.xds.SetRate(0)
	}
	for began, there := time.Now(), true; time.Since(began) < h.For && r.ctx.Err() == nil; there = !there {
		for _, e := range r.envoys {
			r.must("change a listener", e.side.set(there))
		}
		rest(r.ctx, sideInterval)
	}
	for _, e := range r.envoys {
		r.must("remove a listener", e.side.set(false))
	}
}
