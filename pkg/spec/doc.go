// Package spec defines the YAML document that describes a filter: its types, strict decoding with
// positions, and validation. Documents of other systems become specs, too. The package does not
// speak xDS.
//
// # Structure
//
// From the bottom up:
//
//   - spec.go, tests.go, selector.go, setting.go, reference.go, configtype.go and error.go are the
//     public types. notices.go has the hints about a valid spec.
//   - source.go, scan.go, mend.go, scalar.go and parse.go split a file into YAML documents. They
//     refuse text on which the YAML library fails, and mend texts that the library gets wrong.
//   - node.go and tree.go turn the library's nodes into a tree without aliases, merge keys and
//     tags. problems.go collects the errors of a document.
//   - decoder.go reads single values of the tree. The files read….go are the sections of a spec, on
//     top of it, and jsonwriter.go, written.go and typedconfig.go are configurations.
//   - The files foreign….go turn documents of other systems into trees of native documents:
//     foreigntree.go builds such a tree, foreignkinds.go lists the kinds, and foreigndocument.go
//     decodes the trees. convert.go and nativewriter.go print the trees.
//   - document.go reads one document, and decode.go a file. entries.go reads files with settings,
//     which stand beside the specs.
//
// [Decode] and all methods may be called concurrently. Every decoder belongs to one call.
package spec
