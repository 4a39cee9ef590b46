// Package subscription keeps the names of a stream and, in SotW, the versions that the client has
// accepted. A server has hundreds of names on thousands of streams. Most streams of a fleet have
// the same names and come to the same versions, so the package keeps little for each stream, and
// shares the rest.
//
// A [SotW] or a [Delta] belongs to a stream and has no lock: only the goroutine of the stream's
// requests may use them. A request changes the names, and results in subscriptions and
// unsubscriptions for delivery. In SotW, a response proposes versions ([SotW.Propose]), and the
// answer accepts or refuses the proposed versions.
//
// All streams share a [Lists] and a [Packs], which are safe for concurrent use: the last few
// lists of names, and the last few version_infos.
//
// To read: names.go (a stream's names), recent.go (the last few values), list.go (the names of a
// request), versioninfo.go (the format of version_info), sotw.go and delta.go.
package subscription
