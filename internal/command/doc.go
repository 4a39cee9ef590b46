// Package command decides about the commands of users on a filter: to which revision a rollback
// leads, which refused revision is tried again, and whether a rollout may be promoted or a filter
// forgotten. All functions are pure: they look at delivery's status of the filter, and return
// either a decision or the error for the user. The control carries the decision out.
//
// choice.go finds a revision by its id. errors.go has the errors that the commands share.
package command
