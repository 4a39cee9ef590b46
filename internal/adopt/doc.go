// Package adopt connects a running Envoy with wasm-xds: it plans the edits of the Envoy's own
// configuration. A [Plan] adds the clusters, and filters over ECDS. The Wasm filters in the file
// become specs, and come over ECDS from then on, in the same places of their chains. All else stays
// as before.
//
// The package is pure: it reads no files and writes none. internal/envoyconfig reads the
// configuration, internal/envoyedit edits the text, and internal/bootstrap has the added parts.
//
// Read the files in this order: options.go, report.go, chains.go and specfile.go; plugin.go reads a
// Wasm filter in the file; maker.go has the state of a run; static.go makes specs of the Wasm
// filters, insert.go and connect.go add the rest, describe.go reports the changes, and plan.go puts
// everything together.
package adopt
