// Package finding has the words of the sandbox for a fault of a module: the step of the check, the
// code, and the problem.
//
//   - codes.go: the steps and the codes. Codes are stable: they are in JSON, metrics and exit
//     texts.
//   - problem.go: [Problem], one reason against loading a module in some versions of Envoy
//   - list.go: [List], the problems and warnings that one check collects
//   - text.go: a module's own text, made fit for a message
//
// internal/preflight/cause adds the meaning and the remedy to a problem.
package finding
