// Package traffic sends the requests and connections of a spec's tests through a module, and
// answers the calls that the module makes meanwhile.
//
//   - message.go: from a test's messages to the host's
//   - plain.go: the traffic for a filter without tests
//   - calls.go: the answers to the filter's calls in one step
//   - sender.go: one step of a test
package traffic
