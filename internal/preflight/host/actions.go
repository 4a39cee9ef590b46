package host

import (
	"context"
)

// actions are the requests of a module during a callback, like to continue a stream. They run
// after the callback, as in Envoy. An action may run callbacks and so add actions.
type actions struct {
	waiting []func(context.Context) error
}

// add schedules an action for the end of the callback.
func (a *actions) add(action func(context.Context) error) { a.waiting = append(a.waiting, action) }

// run runs the actions until none waits, or one fails.
func (a *actions) run(ctx context.Context) error {
	for len(a.waiting) > 0 {
		next := a.waiting[0]
		a.waiting = a.waiting[1:]
		if err := next(ctx); err != nil {
			return err
		}
	}
	return nil
}
