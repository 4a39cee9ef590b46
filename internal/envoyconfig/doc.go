// Package envoyconfig reads an operator's own Envoy configuration, and keeps the place of every
// value there. The commands doctor and adopt build on the package.
//
// [Parse] turns a file, YAML or JSON, into a tree of [Node] with lines, columns and byte offsets.
// [Read] follows the files in a bootstrap for listeners and clusters, and finds the relevant parts
// for Wasm filters: a [Config]. An [Edit] replaces bytes of a file, so comments, order and anchors
// stay as the operator wrote them. A [Finding] is a problem with a place.
//
// Envoy's own protobuf types are not used. A bootstrap may have extensions unknown to this program,
// and the place of a value counts more than the type.
//
// Read the files in this order: node.go, parse.go, extent.go and access.go have the tree; any.go,
// source.go, cluster.go, chain.go and config.go have the parts of a bootstrap; edit.go and
// finding.go stand alone.
package envoyconfig
