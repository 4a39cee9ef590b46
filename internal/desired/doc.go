// Package desired decides which filters Envoys should run: the plan. The package is pure: equal
// inputs give equal plans.
//
// [Make] takes a set of specs, the outcome of each spec ([Outcome]), the filters of the former plan
// and the rollbacks ([Pins]), and returns the wanted filters with the problems to show:
//
//   - If a spec's module and configuration are there, and the sandbox lets the spec pass, the
//     filter gets the new revision. While a rollback holds, the filter gets the rollback's
//     revision.
//   - If a spec's revision is not known, or is refused, the filter keeps the former revision.
//   - A document or a file with an error changes nothing for the filters of its former content.
//   - A filter without a spec is marked as removed, with its onRemove. If all specs of a source are
//     gone at once, nothing changes: the source and its filters are held.
//
// Input.Made has the filters of all specs that are ready and have no warning. A plan looks only
// into the remaining specs: among ten thousand specs, an edit costs a copy of a list of pointers.
//
// Read outcome.go, rollbacks.go and plan.go in this order. wishes.go has the list that a plan
// grows in, broken.go the documents with errors, and held.go the rule for sources that lost all
// specs.
package desired
