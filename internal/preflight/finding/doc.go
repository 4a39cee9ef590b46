// Package finding has the words in which the sandbox reports a fault of a module: the step in which
// a fault shows, its code, and the fault itself.
//
//   - codes.go: the steps and the codes. Codes are stable: they are in JSON, metrics and exit texts.
//   - problem.go: [Problem], one reason against loading a module in some versions of Envoy
//   - list.go: [List], the problems and warnings that one check collects
//   - text.go: a module's own text, made fit for a message
//
// internal/preflight/cause adds to a problem what it means and what to do.
package finding
