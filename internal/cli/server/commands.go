// Package server has the command that runs a server, and the commands that talk to a running
// server: they ask for the state of filters and Envoys, and pass on a user's decisions about a
// filter.
//
// Each command has a file of its own, and no command uses another command. Several commands share
// the files below them: question.go is a command that asks a server and prints the answer,
// change.go a command that changes the revision of a filter and can wait until the Envoys run the
// revision, complete.go has the completions of names, and status_*.go the parts of status.
//
// A new command goes here if it talks to a running server. The command is a [question], unless it
// asks more than once.
package server

import "github.com/spf13/cobra"

// Commands are the commands of this package.
func Commands() []*cobra.Command {
	return []*cobra.Command{newServe(), newStatus(), newHistory(), newRollback(), newRetry(), newRollout(), newForget(), newContext()}
}
