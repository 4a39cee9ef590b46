// Package stats has the statistical tests that compare two shares of requests. All functions are
// pure. docs/health.md explains the choice of the tests.
//
// [Newcombe] and [Wilson] treat each request as independent of the others. [Difference] and [Share]
// measure the spread between stretches of time instead, so a burst of failures counts once.
// [Spend] divides the risk of a false alarm among repeated looks.
package stats
