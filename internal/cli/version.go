package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build says what this binary was made from.
type build struct {
	Version        string `json:"version"`
	Commit         string `json:"commit"` // "" where the build did not record it
	Modified       bool   `json:"modified"`
	Go             string `json:"go"`
	Platform       string `json:"platform"`
	GoControlPlane string `json:"goControlPlane"`
}

func newVersion() *cobra.Command {
	c := &cobra.Command{
		Use:               "version",
		Short:             "Print what this binary was made from",
		Args:              arguments(0, 0, "nothing"),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	output := outputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if b := versionNow(); *output == "json" {
			printJSON(c.OutOrStdout(), b)
		} else {
			b.print(c.OutOrStdout())
		}
		return nil
	}
	return c
}

func versionNow() build {
	b := build{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if b.Version = info.Main.Version; b.Version == "" {
		b.Version = "(devel)"
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
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

func (b build) print(w io.Writer) {
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
