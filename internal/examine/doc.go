// Package examine runs a spec's module in the sandbox, for check and serve: the check for Envoy's
// versions, then the spec's tests and limits. It words the findings as errors of the spec.
//
// [Filter] gives a [Result] with everything that was found, for `wasm-xds check`. [Judge] gives
// [Findings] without the filter's secrets, which the server keeps by their [Key].
//
// Read the files in this order:
//
//   - errors.go: a problem or a failed test as an error with a position in the spec
//   - hostenv.go: variables of Envoy's environment, which have no known values here
//   - result.go: the result of one examination
//   - examine.go: the examination: check, tests, limits; and the profile
//   - secrets.go: the parts of a configuration that no finding may show
//   - findings.go: from a result to findings that outlive their spec
//
// All functions are safe for concurrent use. Only the sandbox in internal/preflight runs anything.
package examine
