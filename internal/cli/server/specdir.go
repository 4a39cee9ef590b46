package server

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/connect"
)

// defaultWait is how long wait, add and rm wait.
const defaultWait = time.Minute

// serverAndDirectory is the server of the flags, and the directory of specs on this machine: the
// flag's, or the server's.
func serverAndDirectory(c *cobra.Command, flag string) (server apiclient.Client, place string, err error) {
	if server, err = connect.Client(c); err != nil {
		return server, "", err
	}
	place = flag
	if place == "" {
		answer, err := server.Source(c.Context())
		if err != nil {
			return server, "", err
		}
		place = answer.Directory
	}
	if info, err := os.Stat(place); err != nil || !info.IsDir() {
		return server, "", command.Failure("no_directory", fmt.Sprintf("the server's directory of specs, %q, is not on this machine", place),
			"name it with --dir; a relative path of serve is relative to where serve runs")
	}
	place, err = filepath.Abs(place)
	return server, place, err
}
