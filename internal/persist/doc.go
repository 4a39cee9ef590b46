// Package persist has the state for a restart: the contents of the files, their writer, and
// the times at which they are written.
//
//   - [State] is state.json: delivery's memory, the rollbacks and the digests of tags. [Load] reads
//     it, and [Peek] and [NamedModules] read it from the directory of another process.
//   - [Writer] writes the files. A state is written after the modules that it names, and the text
//     of each filter is kept (text.go): among ten thousand filters, a save after an edit encodes
//     few.
//   - [Schedule], [Barrier] and [Delay] decide when a file is written. They are pure: the caller
//     runs the writer on another goroutine, and tells them of its end.
//
// State.json is saved by [Schedule]: many changes together, and at once for a waiting user.
// Unsettled.json is written by [Barrier]: pushes of unproven revisions wait for it. The sandbox's
// findings are written by [Delay].
//
// Each of the three belongs to one goroutine, and so does the Writer while it writes.
package persist
