package delivery

import "github.com/wasm-xds/wasm-xds/pkg/snapshot"

// calm has the facts of the last look at a rollout that nothing stopped. As long as the facts are
// the same, nothing stops the rollout. The chooser asks for each of thousands of subscribers:
// BenchmarkStorm notices the loss. The zero value matches no revision.
type calm struct {
	revision *snapshot.Revision
	stable   *snapshot.Revision
	wanted   *snapshot.Filter // has the accepted losses
	verdicts uint64           // see [verdict.Book.Changes]
	groups   uint64           // rises when a group comes or goes
	stops    int              // see [rollout.Rollout.Changes]
}
