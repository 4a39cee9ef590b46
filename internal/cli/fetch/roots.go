package fetch

import (
	"path/filepath"

	"github.com/spf13/pflag"
)

// FilesRoots are the directories of the files that specs may name.
type FilesRoots struct{ dirs []string }

// AddFlags adds the flag.
func (r *FilesRoots) AddFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&r.dirs, "files-root", nil, "`directory` of the files that specs may name, after all links; several times for several, or "+
		"separated by colons (default the parent of the directory of specs; that directory itself is always one)")
}

// Absolute returns the directories as absolute paths; nil: none is given.
func (r *FilesRoots) Absolute() ([]string, error) {
	var all []string
	for _, list := range r.dirs {
		for _, dir := range filepath.SplitList(list) {
			abs, err := filepath.Abs(dir)
			if err != nil {
				return nil, err
			}
			all = append(all, abs)
		}
	}
	return all, nil
}
