// Package bootstraps has bootstraps as operators have them, in the shape of Envoy's public
// examples. Each works. The tests of the commands adopt and doctor share them.
//
// The files are as an operator would write them, with fixed ports and paths. A test that runs them
// replaces these.
package bootstraps

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed good
var files embed.FS

// Good returns the bootstraps, by file name. Files like x.lds.yaml are no bootstraps: the
// bootstrap x.yaml names them as /etc/envoy/lds.yaml.
func Good() map[string]string {
	return read(func(name string) bool { return strings.Count(name, ".") == 1 })
}

// Parts returns the files that belong to a bootstrap, by their names in /etc/envoy.
func Parts(bootstrap string) map[string]string {
	stem, _, _ := strings.Cut(bootstrap, ".")
	parts := map[string]string{}
	for name, text := range read(func(name string) bool {
		return strings.HasPrefix(name, stem+".") && strings.Count(name, ".") == 2
	}) {
		parts[strings.TrimPrefix(name, stem+".")] = text
	}
	return parts
}

func read(wanted func(name string) bool) map[string]string {
	found := map[string]string{}
	entries, err := fs.ReadDir(files, "good")
	if err != nil {
		panic(err) // the files are part of the program
	}
	for _, entry := range entries {
		if !wanted(entry.Name()) {
			continue
		}
		text, err := fs.ReadFile(files, "good/"+entry.Name())
		if err != nil {
			panic(err)
		}
		found[entry.Name()] = string(text)
	}
	return found
}
