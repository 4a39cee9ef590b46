// Package modules has the commands that work on Wasm modules and bundles: on this machine, and in
// registries. Package fetch has the access to registries.
//
// Each command has a file of its own, and no command uses another command. The files below them are
// shared. A new command goes here if its argument is a Wasm file or a registry.
package modules

import "github.com/spf13/cobra"

// Commands are the commands of this package.
func Commands() []*cobra.Command {
	return []*cobra.Command{newPush(), newPull(), newList(), newInspect(), newLogin(), newLogout()}
}
