package server

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
)

// defaultWait is how long wait, add and rm wait.
const defaultWait = time.Minute

// directoryOf is the directory of specs on this machine: the flag's, or the server's.
func directoryOf(c *cobra.Command, server apiclient.Client, flag string) (string, error) {
	place := flag
	if place == "" {
		answer, err := server.Source(c.Context())
		if err != nil {
			return "", err
		}
		place = answer.Directory
	}
	if info, err := os.Stat(place); err != nil || !info.IsDir() {
		return "", command.Failure("no_directory", fmt.Sprintf("the server's directory of specs, %q, is not on this machine", place),
			"name it with --dir; a relative path of serve is relative to where serve runs")
	}
	return filepath.Abs(place)
}
