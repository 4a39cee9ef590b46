// Package sandbox runs the modules of requests: reads and decodes a module, keeps decoded modules
// and started instances for the next run, and chooses the engine.
//
// [Inspect] gives a [Candidate], the request with the findings about its module. [Candidate.Run]
// takes it to a configured [VM] and through some traffic. [Load] does both, for tests and profiles.
// [Modules] makes the next run of a module cheap.
//
// Read the files in this order:
//
//   - code.go: a module's bytes, and the decoded module of several runs
//   - cache.go: the decoded modules of the latest runs
//   - spares.go: instances started ahead
//   - modules.go: [Modules] guards both, and makes the spares in a goroutine
//   - request.go: the request, and the making of a request from a spec
//   - candidate.go: reading and looking at the module
//   - prepare.go: decoding and linking
//   - vm.go, run.go: one run, on the interpreter first and then, if necessary, on the compiler
//   - load.go, repeat.go: other ways to run
//
// A Candidate, a VM and a Repeated belong to one goroutine each. Modules is safe for concurrent
// use, and any number of VMs may run one decoded module at a time.
package sandbox
