// Package chaos runs real Envoys of several versions under load. Meanwhile random operations happen
// to the Envoys and to the control plane with its directory, disk, clock and links. After each
// operation the package compares the Envoys' answers, the API, `wasm-xds status` and the metrics
// with a model of the world and with each other.
//
// The core is pure. [Plan] draws operations from a seed, [World] has the answer that each Envoy
// should give, [Expectation] judges an answer, and agree.go compares the API with the world. The
// shell around the core starts processes with test/harness and does the harm: rig.go has the parts
// of a run, and run.go the run.
//
// A seed gives the same operations each time. Their effects depend on the machine's timing, so a
// run with the seed of a failure may or may not fail again.
package chaos
