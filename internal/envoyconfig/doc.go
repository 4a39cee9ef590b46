// Package envoyconfig reads an operator's own Envoy configuration, and keeps the place of every
// value in it. The commands doctor and adopt build on the package.
//
// [Parse] turns a file, YAML or JSON, into a tree of [Node] with lines, columns and byte offsets.
// [Read] follows the files that a bootstrap names for its listeners and clusters, and finds the
// parts that matter for Wasm filters: a [Config]. An [Edit] replaces bytes of a file, so comments,
// order and anchors stay as the operator wrote them. A [Finding] is a problem with its place.
//
// Envoy's own protobuf types are not used. A bootstrap may have extensions that this program does
// not know, and the place of a value counts more than its type.
//
// Read the files in this order: node.go, parse.go, extent.go and access.go have the tree; any.go,
// source.go, cluster.go, chain.go and config.go have the parts of a bootstrap; edit.go and
// finding.go stand alone.
package envoyconfig
