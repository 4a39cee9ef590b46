// Package report answers the questions of the API: the status of filters, Envoys and the fleet,
// the history of a filter, the outcome of a sync. Each answer is a pure function of a [View] of
// the state and, where a time counts, of the time.
//
// view.go has the View, errors.go the errors that are made here, rollout.go the words about a
// rollout, subscriber.go a filter on a stream, filter.go a filter, and the other files one
// answer each.
//
// A View is only valid on the goroutine that owns the state.
package report
