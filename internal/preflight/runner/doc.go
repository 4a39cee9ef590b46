// Package runner runs the tests of a spec in the sandbox, and compares each result with the
// expected one.
//
// [Run] runs tests, [WriteJUnit] writes their results for CI systems, and [CompareHTTP] compares an
// exchange through a real Envoy in the same way.
//
//   - result.go: the result of a test, and its failures
//   - coverage.go: the callbacks and host functions that the tests have reached
//   - words.go, diff.go: messages and texts in a failure's words
//   - compare.go: the comparison of a test
//   - runner.go: one test on one VM, step after step
//   - http.go, junit.go: the other two functions
package runner
