// Package server has the command to run a server, and the commands to talk to a running server:
// they ask for the state of filters and Envoys, and pass on a user's decisions about a filter.
//
// Each command has a separate file, and no command uses another command. Several commands share the
// files below them: question.go is a command to ask a server and print the answer, change.go a
// command to change the revision of a filter and perhaps wait until the Envoys run the revision,
// complete.go has the completions of names, and status_*.go the parts of status.
//
// A new command goes here if it talks to a running server. The command is a [question], unless the
// command asks more than once.
package server

import "github.com/spf13/cobra"

// Commands are the commands of this package.
func Commands() []*cobra.Command {
	return []*cobra.Command{newServe(), newStatus(), newWait(), newAdd(), newRm(), newHistory(), newDiff(), newRollback(), newUnpin(), newRetry(), newRollout(), newFreeze(), newWebhook(), newForget(), newContext()}
}
