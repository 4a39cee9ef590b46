package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// change makes the step's change in the directory and through the API.
func (r *run) change(s Step) {
	if s.Return {
		select {
		case <-r.back:
		case <-r.ctx.Done():
		}
	}
	rest(r.ctx, s.After)
	switch s.Kind {
	case Nothing:
	case RollBack:
		r.rollBack(s)
	case Remove:
		r.must("remove", os.Remove(r.spec(s.Filter)))
	case Overwrite:
		r.overwrite(s.Edits[0])
	case MoveDir:
		r.must("move", os.Rename(r.dir, r.dir+".away"))
		rest(r.ctx, s.For)
		r.must("move", os.Rename(r.dir+".away", r.dir))
	case SwapDir:
		r.swapDir(s)
	case HoldAll:
		r.holdAll(s)
	default:
		for _, e := range s.Edits {
			r.write(r.dir, e)
			rest(r.ctx, s.For/time.Duration(4*len(s.Edits)))
		}
	}
}

func (r *run) spec(filter int) string {
	return filepath.Join(r.dir, string(Filters()[filter])+".yaml")
}

// modulePath is where a content's module lies: beside the directory, so that a spec and its
// module change in one rename.
func (r *run) modulePath(c Content) string { return filepath.Join(r.modules, c.File+".wasm") }

// write puts a content's module beside the directory, and its spec into it, each in one step.
func (r *run) write(dir string, e Edit) {
	name := Filters()[e.Filter]
	if c := e.Content; c.Fault != MissingModule {
		if _, err := os.Stat(r.modulePath(c)); err != nil {
			r.must("write a module", replace(r.modulePath(c), c.Module(name)))
		}
	}
	r.must("write a spec", replace(filepath.Join(dir, string(name)+".yaml"), []byte(e.Content.YAML(name, r.modulePath(e.Content)))))
}

// YAML is the spec of a content whose module lies at a path.
func (c Content) YAML(name FilterName, module string) string {
	text := fmt.Sprintf("name: %s\nmodule: {file: %s}\nconfig: %s\ndelivery: %s\nonRemove: %s\n", name, module, c.Config, c.Delivery, c.OnRemove)
	if c.Disabled {
		text += "disabled: true\n"
	}
	switch c.Fault {
	case BrokenYAML:
		text += "rollout: {canary: [\n"
	case UnknownField:
		text += "rolout: {canary: 1}\n"
	}
	return text
}

func replace(path string, content []byte) error {
	partial := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".partial")
	if err := os.WriteFile(partial, content, 0o644); err != nil {
		return err
	}
	return os.Rename(partial, path)
}

// overwrite copies another module over the one that the spec names, in two pieces.
func (r *run) overwrite(e Edit) {
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

// swapDir puts another directory, with all specs and one edit, in the place of the old one.
func (r *run) swapDir(s Step) {
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
		r.write(next, e)
	}
	r.must("swap", os.Rename(r.dir, r.dir+".old"))
	rest(r.ctx, s.For/10)
	r.must("swap", os.Rename(next, r.dir))
	r.must("swap", os.RemoveAll(r.dir+".old"))
}

// holdAll puts an empty directory in the place of the old one, and the old one back.
func (r *run) holdAll(s Step) {
	aside, empty := r.dir+".aside", r.dir+".empty"
	r.must("remove all", os.Mkdir(empty, 0o755))
	r.must("remove all", os.Rename(r.dir, aside))
	r.must("remove all", os.Rename(empty, r.dir))
	rest(r.ctx, s.For)
	r.must("put back", os.Rename(r.dir, empty))
	r.must("put back", os.Rename(aside, r.dir))
	r.must("put back", os.Remove(empty))
}

// sweep removes the modules that no spec names any more.
func (r *run) sweep() {
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
