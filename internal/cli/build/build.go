// Package build describes the source of the binary: its version and commit.
package build

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// stampedVersion and stampedCommit come from `make build`, through the linker's -X: the tag from
// `git describe`, and the commit. Both are "" in a build without make.
var stampedVersion, stampedCommit string

// Info describes the source of this binary.
type Info struct {
	Version        string `json:"version"` // a tag, a tag and commits since, or Go's pseudo-version
	Commit         string `json:"commit"`  // "": the build did not record the commit
	Modified       bool   `json:"modified"`
	Go             string `json:"go"`
	Platform       string `json:"platform"`
	GoControlPlane string `json:"goControlPlane"`
}

// Now describes this binary.
func Now() Info {
	info, _ := debug.ReadBuildInfo()
	return buildOf(stampedVersion, stampedCommit, info)
}

// buildOf is the build that make stamped, or else the build that Go recorded. `go install`
// records the module's version. info is nil if Go recorded nothing.
func buildOf(version, commit string, info *debug.BuildInfo) Info {
	b := Info{Version: version, Commit: commit, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info == nil {
		info = &debug.BuildInfo{}
	}
	b.Version = cmp.Or(b.Version, info.Main.Version, "(devel)")
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = cmp.Or(b.Commit, s.Value)
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/envoyproxy/go-control-plane" {
			b.GoControlPlane = m.Version
		}
	}
	return b
}

// Print prints the description for people.
func (b Info) Print(w io.Writer) {
	commit := b.Commit
	switch {
	case commit == "":
		commit = "unknown"
	case b.Modified:
		commit += " with changes"
	}
	fmt.Fprintf(w, "wasm-xds          %s\ncommit            %s\ngo                %s %s\ngo-control-plane  %s\n",
		b.Version, commit, b.Go, b.Platform, b.GoControlPlane)
}
