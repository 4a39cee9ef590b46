// Package module resolves references to Wasm modules, checks the modules, and keeps them in a
// content-addressed store.
//
// # Structure
//
// From the bottom up:
//
//   - error.go has the codes and the wording of errors.
//   - store.go is the [Store], with notes.go for the images that modules came from and spare.go for
//     a file that is created in advance.
//   - wasm.go looks at the framing of a module, and check.go checks bytes before they enter the
//     store.
//   - files.go, urls.go and images.go bring a module into the store, one file for each kind of
//     reference. download.go is one download from a URL, pull.go one pull of an image, and
//     manifest.go finds the module in an image.
//   - signatures.go checks signatures by the keys of the spec and of the server.
//   - resolver.go is the [Resolver], which chooses among these parts.
//
// config.go, beside all of this, reads the configuration that a spec refers to.
//
// Store and Resolver are safe for concurrent use. All other types belong to one call.
package module
