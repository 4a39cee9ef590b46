package chaos

import (
	"os"
	"path/filepath"
)

// writeSpec puts a content's module beside the directory and the spec into the directory, each in
// one step.
func writeSpec(r *rig, dir string, e Edit) {
	name := Filters()[e.Filter]
	if c := e.Content; c.Fault != MissingModule {
		if _, err := os.Stat(r.modulePath(c)); err != nil {
			r.must("write a module", replace(r.modulePath(c), c.Module(name)))
		}
	}
	r.must("write a spec", replace(filepath.Join(dir, string(name)+".yaml"), []byte(e.Content.YAML(name, r.modulePath(e.Content)))))
}
