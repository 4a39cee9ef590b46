// Package health judges a revision by the figures of the Envoys that run it, beside the figures of
// Envoys that run the stable revision in the same minutes. The package is pure. docs/health.md
// explains the rules.
//
// A [Judge] follows one wave of a rollout. [Judge.Add] takes the figures of a stretch of time,
// and [Judge.Look] answers with an outcome, the reason, and the comparisons with their numbers.
package health
