// Package chaos runs real Envoys of several versions under load while random operations happen
// to them, to the control plane, to its directory, its disk, its clock and its links. After
// each operation it compares each Envoy's answers, the API, `wasm-xds status` and the metrics
// with a model of the world and with each other.
//
// The core is pure: [Plan] draws operations from a seed, [World] says what each Envoy has to
// answer, [Expectation] judges an answer, and agree.go compares what the control plane says
// with the world. The shell around it starts processes with test/harness and does the harm.
//
// A seed gives the same operations each time. What they meet depends on the machine's timing,
// so a run with the seed of a failure is a good try to see it again, and no certainty.
package chaos
