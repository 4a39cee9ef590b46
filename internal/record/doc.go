// Package record keeps the record of filters: each revision that was served, the text of its spec
// without secrets, and the outcome of its rollout. It is pure.
//
// A [Book] takes the events of filters and has an [Entry] for each revision. The entries outlive
// the revisions themselves: delivery keeps few revisions, because each of them holds a module.
//
// Read the files in this order:
//
//   - entry.go: an entry and its parts
//   - lines.go, text.go: the text of a revision, in which each secret is hidden
//   - diff.go: the difference between two texts
//   - shards.go: the form on disk
//   - book.go: the entries of all filters, and the events that change them
package record
