// Package dir watches a directory of specs.
//
// The source notices changes through fsnotify events, and through a regular rescan without events,
// so bind mounts and network disks work too. The source watches everything that a set depends
// on: the directory and its sub-directories, the files that specs refer to in any place, every
// directory on the path to these files, and the directories of the symbolic links on the path.
//
// # Structure
//
// One goroutine, [Source.Run], owns everything, in these parts from the bottom up:
//
//   - disk.go and stamp.go are the file system as the source uses it: reads with limits, and
//     stamps that show a change without a read. inbox.go and watches.go are its events.
//   - tree.go is the last known content of the directories of specs. documents.go and claims.go
//     combine the content of all files into specs with unique names.
//   - interest.go has the paths on which a set depends. dirty.go has the work of the next look, and
//     events.go decides which events are work.
//   - resolve.go follows paths and links. With it, reader.go reads directories of specs into the
//     tree, root.go reads the whole directory, and references.go takes the fingerprints of the
//     files that specs refer to.
//   - rescan.go looks at everything without any change, beside the goroutine. findings.go are its
//     results.
//   - view.go combines these parts: a look brings the view up to date and returns the set.
//   - quiet.go decides when to look, and loop.go waits for events, times and requests.
package dir
