// Package subscription keeps the names that a stream asks for and, in SotW, the versions that the
// client has accepted. A server has hundreds of names on thousands of streams, and most streams of a
// fleet have the same names and come to the same versions. So the package keeps little for each
// stream, and shares the rest.
//
// A [SotW] or a [Delta] belongs to one stream: the goroutine that handles the stream's requests
// calls it, and nothing is locked. A request changes the names and results in the subscriptions and
// unsubscriptions that delivery hears of. In SotW, a response proposes versions
// ([SotW.Propose]), and its answer accepts or refuses them.
//
// All streams share one [Lists] and one [Packs], which are safe for concurrent use: the last few
// lists of names, and the last few version_infos.
//
// To read: names.go (a stream's names), recent.go (the last few values), list.go (the names of a
// request), versioninfo.go (the format of version_info), sotw.go and delta.go.
package subscription
