// Package kit has the commands that work on the sources of filters: init writes a project, and
// build builds a project's modules, and test runs its tests. `dev` of a project is in package dev.
package kit

import "github.com/spf13/cobra"

// Commands are the commands of this package.
func Commands() []*cobra.Command { return []*cobra.Command{newInit(), newBuild(), newTest()} }
