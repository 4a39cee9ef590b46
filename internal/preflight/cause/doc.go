// Package cause turns symptoms into remedies. Its table has a row for each known cause of a filter
// that does not load or does not serve: a code, the meaning, the remedy, and the heading in
// docs/envoy-behaviour.md with the details.
//
// [With] completes a problem of the check, [Explain] reads a NACK or Envoy's log, and [Markdown] is
// the part of docs/preflight.md that the test TestDocs generates.
//
// Read the files in this order:
//
//   - symptom.go: a line of a log or a detail of a problem, prepared for the table
//   - row.go: one row, and how it matches a symptom
//   - table.go, table_imports.go, table_fetch.go: the rows; a new cause is a new row here
//   - lookup.go: the first row that matches in a step of the check
//   - panic.go: a panic and its reason, which a log may have on two lines
//   - with.go, explain.go, markdown.go: the three uses
//
// Narrow rows come before wide ones, and the first row that matches wins. Each row has an example
// that no earlier row matches.
//
// Sources of the facts: the messages in Envoy's source/extensions/common/wasm,
// source/extensions/filters/http/wasm and source/extensions/config_subscription, and in
// proxy-wasm-cpp-host's src/wasm.cc and src/v8/v8.cc. test/filtertests compares rows with the log
// of real Envoys.
package cause
