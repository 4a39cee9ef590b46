// Package track follows each spec on its way from a text to a wanted filter. The package is
// pure: it reads nothing, starts nothing and has no clock. Its caller does the work that
// [Specs.Advance] asks for on other goroutines, and brings the results.
//
// A spec goes through these phases, and passes each once:
//
//	Reading   its module and the file with its configuration are read; a module in a registry or
//	          on a server is downloaded, and the tag of a module is looked up
//	Checking  the sandbox tries it, unless it has findings about this content
//	Ready     it has a wanted filter
//	Failed    the module or the configuration cannot be had, or the sandbox refuses it
//
// A failed read is repeated after a pause, and the spec is in the phase Reading again. A change of
// the spec, of a file that it names or of its tag begins another journey, as a new [Spec].
//
// The parts, from the bottom:
//
//   - read.go: the reads and their repetitions. Specs with the same file share a read, and a read
//     under way is a [Task].
//   - need.go: which reads a spec needs. Their keys change with the content of the files.
//   - check.go: the findings of the sandbox ([Checks]), and the queue of the checks without
//     findings.
//   - work.go: the work that follows, for the caller.
//   - spec.go: a spec's phases.
//   - list.go: the specs of a set, brought from one set to the next.
//   - track.go: [Specs], which has all of them.
//
// Among ten thousand specs, an edit looks into few: a spec that is ready and without warnings
// costs a comparison of pointers.
//
// All types belong to one goroutine.
//
// See docs/RATIONALE.md#why-is-a-specs-way-a-machine-of-its-own.
package track
