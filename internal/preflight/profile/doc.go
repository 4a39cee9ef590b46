// Package profile measures the cost of a filter in the sandbox: the time of a request, the called
// host functions, and the memory.
//
//   - result.go: the result, and the cost of a list of requests
//   - profiler.go: sends the steps of tests through one VM, in turn, and takes the time
//   - profile.go: [Run], the profile of `wasm-xds check --profile`
//   - limits.go: [CheckLimits], the limits of a spec in every check
//
// The times cover the filter and the called host functions. Envoy's own part of a request is
// not included.
package profile
