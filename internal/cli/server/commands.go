// Package server has the commands that run a server, and the commands that ask a running one: what
// it serves, what the Envoys run, and a user's decisions about a filter.
//
// Each command has a file of its own, and no command uses another one. The files below them are
// shared: question.go is a command that asks a server and prints the answer, change.go a command
// that changes the revision of a filter and can wait until the Envoys run it, complete.go has the
// completions of names, and status_*.go the parts of status.
//
// A new command goes here if it talks to a running server. It is a [question], unless it asks more
// than once.
package server

import "github.com/spf13/cobra"

// Commands are the commands of this package.
func Commands() []*cobra.Command {
	return []*cobra.Command{newServe(), newStatus(), newHistory(), newRollback(), newRetry(), newRollout(), newForget()}
}
