// Package specs has the commands that work on spec files without a server: they read the specs of
// paths and bundles (package load), bring their modules (package fetch), try them in the sandbox
// (package trial) or edit the files (package specedit).
//
// Each command has a file of its own, and no command uses another command. A new command goes here
// if its argument is a directory of specs.
package specs

import "github.com/spf13/cobra"

// Commands are the commands of this package.
func Commands() []*cobra.Command {
	return []*cobra.Command{newCheck(), newRender(), newConvert(), newSchema(), newLock(), newVerify()}
}
