// Package control has the owner of the state: the goroutine of [Control.Run]. Everything that
// happens reaches the owner as a message (messages.go), and the owner finishes each message
// before it takes the next. Decisions are made elsewhere, in pure packages that can be read
// and tested by themselves:
//
//   - track follows each spec from its text to a wanted filter;
//   - desired makes the plan, which are the wanted filters;
//   - delivery decides which revision each Envoy gets next;
//   - persist decides when the state is saved;
//   - command decides about the commands of users, and report answers questions.
//
// A set of specs goes one way: takeSet, track's Advance, the reads of workers, takeResults, the
// checks of workers, takeCheck, desired's Make, the deliverer's publish, and delivery's
// machine.
//
// The files, from the bottom:
//
//   - config.go: the configuration. metrics.go: the counters.
//   - inbox.go and messages.go: the messages.
//   - startup.go, sources.go, collect.go, mend.go, served.go, syncs.go: small parts of the state,
//     each a type that owns its fields.
//   - journal.go: the lines of the log.
//   - replicas.go: the access to the decisions that several replicas share.
//   - notices.go: the notable events. tracing.go: the spans of edits.
//   - restore.go: the state at the start.
//   - workers.go: the goroutines for slow work. describe.go: the details of revisions for the
//     record. chronicle.go: the record of filters. saves.go: the writes of the files.
//   - deliver.go: events and snapshots go through delivery's machine, and its actions are carried
//     out.
//   - control.go: the [Control], with the select over the messages.
//   - streams.go: the events of Envoys' streams and of the module server.
//   - commands.go: the commands of users. orders.go: the same where several replicas decide
//     together. client.go and api.go: the [API], which any goroutine may call.
//
// The state is a [report.View]: the owner changes it, and answers read it on the owner's
// goroutine.
package control
