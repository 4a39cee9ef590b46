// Package schema has the JSON Schema of a spec, for editors.
//
// document.go, common.go, rollout.go and tests.go declare the document as Go types, and their
// comments and tags are the only source of the schema: generate.go turns them into JSON. The types
// hold no values. The tests compare them with the decoder of package spec and with the published
// file.
//
// A tag has these keys: enum (values, separated by |), pattern, minimum, maximum, examples and
// default (JSON), and required. The fields of a type with an embedded OneOf are the alternatives of
// a value.
package schema
