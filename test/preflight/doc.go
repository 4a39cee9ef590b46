// Package preflight compares the sandbox with real Envoys. For each module of the corpus, the
// sandbox must predict the behaviour of each Envoy version.
package preflight
