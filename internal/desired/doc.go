// Package desired decides which filters Envoys should run: the plan. The package is pure: equal
// inputs give equal plans.
//
// [Make] takes a set of specs, what is known about each spec ([Outcome]), the filters of the
// former plan and the rollbacks ([Pins]), and returns the wanted filters with the problems to
// show:
//
//   - A spec whose module and configuration are there, and which the sandbox lets pass, gets its
//     new revision. While a rollback of the filter holds, it gets the rollback's revision.
//   - A spec whose revision is not known, or is refused, keeps the former revision.
//   - A document or a file with an error changes nothing for the filters that it described.
//   - A filter without a spec is marked as removed, with its onRemove. If all specs of a source are
//     gone at once, nothing changes: the source and its filters are held.
//
// Input.Made has the filters of all specs about which there is nothing to say, so that a plan
// looks only into the others: among ten thousand specs, an edit costs a copy of a list of
// pointers.
//
// Read outcome.go, rollbacks.go and plan.go in this order. wishes.go has the list that a plan
// grows in, broken.go the documents with errors, and held.go the rule for sources that lost all
// specs.
package desired
