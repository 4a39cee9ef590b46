package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// slowRate is bytes a second of a slow module link.
const slowRate = 200_000

// do does one harm and undoes it.
func (r *run) do(h Harm) {
	if h.Kind.kills() {
		defer r.isBack() // also where it cannot be started again
	}
	rest(r.ctx, h.After)
	e := r.envoys[h.Envoy]
	switch h.Kind {
	case KillServer, RotState:
		r.cp.Kill()
		r.serverBack(h)
	case StopServer:
		r.cp.Stop()
		r.serverBack(h)
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
		r.flap(h)
	case FillDisk:
		r.must("fill the disk", r.disk.fill(r.cp.PID()))
		rest(r.ctx, h.For)
		r.must("free the disk", r.disk.free(r.cp.PID()))
	case StepClock:
		r.must("step the clock", r.clock.step(h.Step))
	}
}

// serverBack starts the server again, after what is to happen while it is down.
func (r *run) serverBack(h Harm) {
	rest(r.ctx, h.For)
	if h.Kind == RotState {
		r.must("damage the state", r.damage(h.Rot))
	}
	if h.Preflight != "" {
		r.setArgs(h.Preflight)
	}
	r.cp.Start()
	r.isBack()
}

// isBack tells a change that waits for it that what was killed is started again.
func (r *run) isBack() {
	select {
	case r.back <- struct{}{}:
	default: // none waits, or it was told before
	}
}

// damage spoils one to three files of the state directory.
func (r *run) damage(seed uint64) error {
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
		files = append(files, filepath.Join(r.disk.state(), "state.json")) // the likeliest, and the worst
	}
	for range 1 + random.IntN(3) {
		if err := spoil(files[random.IntN(len(files))], random); err != nil {
			return err
		}
	}
	return nil
}

// spoil flips a byte of a file, cuts it short, empties it or takes it away.
func spoil(path string, random *rand.Rand) error {
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil // it was taken away before
	}
	if err != nil {
		return err
	}
	how := random.IntN(4)
	switch {
	case how == 0 && len(text) > 0:
		text[random.IntN(len(text))] ^= 1 << random.IntN(8)
	case how == 1 && len(text) > 0:
		text = text[:random.IntN(len(text))]
	case how == 2:
		text = nil
	default:
		return os.Remove(path)
	}
	// Modules are read-only, and Envoy may have one open: another file takes its place.
	partial := path + ".spoiled"
	if err := os.WriteFile(partial, text, 0o600); err != nil {
		return err
	}
	return os.Rename(partial, path)
}

// must ends the run where its own tools fail.
func (r *run) must(what string, err error) {
	if err != nil {
		r.t.Fatalf("%s: %v", what, fmt.Errorf("the run's own tools: %w", err))
	}
}
