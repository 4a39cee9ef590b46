// Package envoy has the commands about an Envoy itself: the configuration, the log, and an Envoy
// for trying filters (package dev).
//
// Each command has a file of its own, and no command uses another command; flags.go has the flags
// that the commands share. A new command goes here if it reads or writes the configuration of an
// Envoy.
package envoy

import "github.com/spf13/cobra"

// Commands are the commands of this package.
func Commands() []*cobra.Command {
	return []*cobra.Command{newBootstrap(), newAdopt(), newDoctor(), newDev(), newExplain(), newEject(), newRecord()}
}
