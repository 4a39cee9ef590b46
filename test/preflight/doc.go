// Package preflight holds the sandbox against real Envoys: for each module of
// the corpus, what the sandbox says of a version must be what that Envoy does.
package preflight
