// Package envoyedit adds fields and items to an Envoy configuration, and replaces fields, in the
// style of the file: block YAML at the right indentation, flow YAML, or JSON. It never writes a file
// anew, so comments, order, anchors and line ends stay as the operator wrote them.
//
// A [Patch] collects the changes of one file. What is added is given as YAML in block style. At the
// end, [Patch.Text] reads the edited text again and compares it with the tree that the changes ask
// for. If the two differ, for example because a file uses YAML in a way that nobody foresaw, there is
// an error and no text. An edit is therefore right, or it does not happen.
//
// A change inside an anchor is a change of all its aliases. [Patch] makes it once, at the anchor, and
// the comparison expects it at each alias.
//
// Read the files in this order: style.go renders, place.go finds the place of an insertion, patch.go
// has the changes, and verify.go has the comparison.
package envoyedit
