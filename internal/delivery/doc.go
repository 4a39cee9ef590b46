// Package delivery decides which version each subscriber gets next.
//
// The package is pure: no clock, no I/O, no goroutine. [Machine.Step] takes an event with the
// event's time and returns actions for the shell. Each rule follows from the behaviour of real
// Envoys: docs/envoy-behaviour.md has the facts, docs/ARCHITECTURE.md the rules. A Machine is not
// safe for concurrent use.
//
// # Objects
//
// The graph (graph.go) has the objects and their links. The objects point at each other, so one
// file declares all of their types. Each type has a file with its methods:
//
//   - a filter (filter.go) is a name. The filter owns the revisions, the [rollout.Rollout] and the
//     unsettled nodes, and lists the subscribers.
//   - a group (group.go) has a filter's subscribers of an Envoy version. The trials of the group
//     say which subscribers are canaries.
//   - a stream (stream.go) is a connection. The stream owns the queue of subscribers to look at,
//     the parked subscribers, the window, and the outstanding responses.
//   - a sub (subscriber.go) is a filter on a stream. The sub owns the belief about the Envoy, and
//     the state.
//   - a response (response.go) has the pushes sent, and answered, together.
//
// A part owns its fields: no other file writes them. The parts are revisions, belief, rare, fetch,
// idle, report, conduct, window, trials, salts and timers, and the packages verdict (which
// revisions load), unsettled (the nodes that may have stored refused bytes), reach (the Envoys
// without a module server) and rollout (how far a revision may go). A part knows nothing of the
// graph.
//
// # Work
//
// Above the graph, each kind of work is an object, too. A working object has pointers to the parts
// for its work, and calls only objects further down in this list:
//
//	Machine        takes the event, and calls the others in order
//	subscriptions  streams and subscribers come and go
//	answers        ACK, NACK, and answers that do not come
//	specs          wanted revisions, retries, and removed filters that are forgotten
//	sender         the next pushes of each stream
//	rollouts       the events and the decisions of rollouts
//	statuses       the read side
//	chooser        the revision that a subscriber should run now
//	fetches        remote code: pushes and GETs
//	progress       the Envoys that a rollout waits for, and the report
//	removed        the time at which a removed filter can be forgotten
//	step           the time, and the results of the step
//
// step collects the results: actions, changed filters, and the streams to look at before the step
// ends. An event changes the graph and touches subscribers. At the end of the step, sender looks at
// each touched stream: chooser chooses a revision for each queued subscriber, and the pushes that
// have room go out.
//
// # The rollout's seam
//
// Package rollout decides from events, and from numbers about each Envoy version. rollouts makes
// these [rollout.Facts] from the groups and carries the decisions out: rollouts picks canaries
// (canary.go), ends trials and promotes.
//
// # Several replicas
//
// With [Config.Replica], the decisions of rollouts come from a ledger, see package ledger. A
// replica is a machine that gets, at any time, what a restarted server gets from its state file.
//
//	followed     what the fleet has decided about a filter, and what the source wants
//	draft        the next record of a filter, on copies of its revisions and its rollout
//	peers        what other replicas tell about their Envoys
//	fleetgroups  the groups of the whole fleet, for package rollout
//	leader       proposes records; orders carries out the commands of users on a draft
//	follower     takes the ledger's events, and carries out records
//	enrolment    makes those subscribers canaries that the record names, or has a share for
//	notebook     the notes about nodes that may hold refused bytes
//	reporter     tells the numbers of this replica
//
// The leader changes nothing by a decision: a proposal is carried out when the ledger has it.
//
// # Memory for another use
//
// A push to thousands of Envoys takes as many steps. reuse.go has the memory a step leaves to the
// next step, and names the caches and the tests and benchmarks that notice the loss.
//
// # Reading
//
// Read graph.go, then choose.go, the heart. sender.go and answers.go are the two directions of a
// stream, and rollouts.go is the way of a revision. event.go has the interface to the shell,
// memory.go the persisted form, and status.go the read side.
package delivery
