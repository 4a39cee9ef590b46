package chaos

import (
	"os"
	"path/filepath"
	"time"
)

// doChange makes the step's change in the directory and through the API.
func doChange(r *rig, s Step) {
	if s.Return {
		select {
		case <-r.back:
		case <-r.ctx.Done():
		}
	}
	rest(r.ctx, s.After)
	switch s.Kind {
	case Nothing:
	case RollBack, Pin:
		rollBack(r, s)
	case Pause, Abort, Freeze, Unpin:
		steer(r, s)
	case Remove:
		r.must("remove", os.Remove(r.spec(s.Filter)))
	case Overwrite:
		overwrite(r, s.Edits[0])
	case MoveDir:
		r.must("move", os.Rename(r.dir, r.dir+".away"))
		rest(r.ctx, s.For)
		r.must("move", os.Rename(r.dir+".away", r.dir))
	case SwapDir:
		swapDir(r, s)
	case HoldAll:
		holdAll(r, s)
	default:
		for _, e := range s.Edits {
			writeSpec(r, r.dir, e)
			rest(r.ctx, s.For/time.Duration(4*len(s.Edits)))
		}
	}
}

// overwrite copies another module over the spec's module, in two pieces.
func overwrite(r *rig, e Edit) {
	module := e.Content.Module(Filters()[e.Filter])
	file, err := os.OpenFile(r.modulePath(e.Content), os.O_WRONLY|os.O_TRUNC, 0)
	r.must("overwrite", err)
	defer file.Close()
	for _, part := range [][]byte{module[:len(module)/2], module[len(module)/2:]} {
		_, err := file.Write(part)
		r.must("overwrite", err)
		rest(r.ctx, 5*time.Millisecond)
	}
}

// swapDir replaces the directory by another directory with all specs and one edit.
func swapDir(r *rig, s Step) {
	next := r.dir + ".next"
	r.must("copy", os.Mkdir(next, 0o755))
	specs, err := filepath.Glob(filepath.Join(r.dir, "*.yaml"))
	r.must("copy", err)
	for _, path := range specs {
		text, err := os.ReadFile(path)
		r.must("copy", err)
		r.must("copy", os.WriteFile(filepath.Join(next, filepath.Base(path)), text, 0o644))
	}
	for _, e := range s.Edits {
		writeSpec(r, next, e)
	}
	r.must("swap", os.Rename(r.dir, r.dir+".old"))
	rest(r.ctx, s.For/10)
	r.must("swap", os.Rename(next, r.dir))
	r.must("swap", os.RemoveAll(r.dir+".old"))
}

// holdAll replaces the directory by an empty directory, and puts the old directory back.
func holdAll(r *rig, s Step) {
	aside, empty := r.dir+".aside", r.dir+".empty"
	r.must("remove all", os.Mkdir(empty, 0o755))
	r.must("remove all", os.Rename(r.dir, aside))
	r.must("remove all", os.Rename(empty, r.dir))
	rest(r.ctx, s.For)
	r.must("put back", os.Rename(r.dir, empty))
	r.must("put back", os.Rename(aside, r.dir))
	r.must("put back", os.Remove(empty))
}

// sweep removes the modules that no spec names.
func sweep(r *rig) {
	named := map[string]bool{}
	for _, f := range r.plan.World.Filters {
		if f.Spec != nil {
			named[r.modulePath(*f.Spec)] = true
		}
	}
	files, err := filepath.Glob(filepath.Join(r.modules, "*.wasm"))
	r.must("sweep", err)
	for _, path := range files {
		if !named[path] {
			r.must("sweep", os.Remove(path))
		}
	}
}
