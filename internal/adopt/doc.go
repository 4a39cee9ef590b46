// Package adopt connects an Envoy that somebody runs already with wasm-xds: it plans the edits of
// the Envoy's own configuration. A [Plan] adds the clusters, and filters that come over ECDS. The
// Wasm filters that stand in the file become specs, and come over ECDS from then on, in the same
// places of their chains. All else stays as it is.
//
// The package is pure: it reads no files and writes none. internal/envoyconfig reads the
// configuration, internal/envoyedit edits the text, and internal/bootstrap has the parts that are
// added.
//
// Read the files in this order: options.go, report.go, chains.go and specfile.go; plugin.go reads a
// filter that stands in the file; maker.go has the state of a run; static.go makes specs of such
// filters, insert.go and connect.go add the rest, describe.go reports the changes, and plan.go puts
// everything together.
package adopt
