// Package envoy has the commands about an Envoy itself: its configuration, its log, and an Envoy of
// one's own to try filters on (package dev).
//
// Each command has a file of its own, and no command uses another one; flags.go has the flags that
// they share. A new command goes here if it reads or writes the configuration of an Envoy.
package envoy

import "github.com/spf13/cobra"

// Commands are the commands of this package.
func Commands() []*cobra.Command {
	return []*cobra.Command{newBootstrap(), newDev(), newExplain()}
}
