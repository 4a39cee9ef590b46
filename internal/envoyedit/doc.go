// Package envoyedit adds fields and items to an Envoy configuration, and replaces fields, in the
// style of the file: block YAML at the right indentation, flow YAML, or JSON. The rest of the file
// is never written anew, so comments, order, anchors and line ends stay as the operator wrote them.
//
// A [Patch] collects the changes of a file. Additions are given as YAML in block style. At the end,
// [Patch.Text] reads the edited text again, and compares the tree with the changes. If the two
// differ, for example because a file uses YAML in an unforeseen way, there is an error and no text.
// So an edit is right, or there is no edit.
//
// A change inside an anchor is a change of all its aliases. [Patch] makes the change once, at the
// anchor, and the comparison expects the change at each alias.
//
// Read the files in this order: style.go renders, place.go finds the place of an insertion,
// patch.go has the changes, and verify.go has the comparison.
package envoyedit
