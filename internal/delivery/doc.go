// Package delivery decides which version each subscriber gets next.
//
// The package is pure: no clock, no I/O, no goroutine. [Machine.Step] takes an event with the
// event's time and returns actions for the shell. Each rule follows from the behaviour of real
// Envoys: docs/envoy-behaviour.md has the facts, docs/ARCHITECTURE.md the rules. A Machine is not
// safe for concurrent use.
//
// # Objects
//
// The graph (graph.go) has the objects and their links. They point at each other, so their types
// are declared in one file, and each has a file with its methods:
//
//   - a filter (filter.go) is one name. It owns its revisions, the [rollout.Rollout], the unsettled
//     nodes, and lists its subscribers.
//   - a group (group.go) has a filter's subscribers of one Envoy version, and its trials say which
//     of them are canaries.
//   - a stream (stream.go) is one connection. It owns the queue of subscribers to look at, the
//     parked ones, the window, and the outstanding responses.
//   - a sub (subscriber.go) is one filter on one stream. It owns the belief about its Envoy and its
//     state.
//   - a response (response.go) has the pushes that are sent, and answered, together.
//
// Parts own their fields, and no other file touches those: revisions, belief, rare, fetch, idle,
// report, conduct, window, trials, salts, timers, and the packages verdict (which revisions load),
// unsettled (the nodes that may have stored refused bytes), reach (the Envoys without a module
// server) and rollout (how far a revision may go). A part knows nothing of the graph.
//
// # Work
//
// Above the graph, each kind of work is an object, too. It holds pointers to the parts it needs, and
// calls only objects below it:
//
//	Machine        takes the event, and calls the others in order
//	subscriptions  streams and subscribers come and go
//	answers, specs ACK, NACK, no answer; wanted revisions, removed filters
//	sender         what each stream gets next; rollouts carries out the rollouts' decisions
//	chooser        the revision that a subscriber should run now
//	fetches        remote code: pushes and GETs; progress, removed: waits, and ends of filters
//	step           the time, and the results of the step
//
// step collects the results: actions, changed filters, and the streams to look at before the step
// ends. An event changes the graph and touches subscribers. At the end of the step, sender looks at
// each touched stream: chooser chooses a revision for each queued subscriber, and the pushes that
// have room go out.
//
// # The rollout's seam
//
// Package rollout decides from numbers about each Envoy version, and from events. rollouts builds
// those [rollout.Facts] from the groups and carries the decisions out: it picks canaries
// (canary.go), ends trials and promotes.
//
// # Memory that is used again
//
// A push to thousands of Envoys takes as many steps. reuse.go has the lists and things that a step
// leaves to the next, with the benchmarks that notice their loss.
//
// # Reading
//
// Read graph.go, then choose.go, which is the heart; sender.go and answers.go are the two directions
// of a stream, rollouts.go the way of a revision. event.go has the interface to the shell, memory.go
// the persisted form, and status.go the read side.
package delivery
