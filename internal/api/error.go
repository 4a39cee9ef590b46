package api

import (
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Error is a problem, worded for people. Every answer of the API that is not 2xx has an Error, as
// {"error": {…}}.
type Error struct {
	Code    string `json:"code"` // stable, snake_case
	Message string `json:"message"`
	Hint    string `json:"hint"` // the next step; may be ""
	File    string `json:"file"`
	Line    int    `json:"line"` // 1-based; 0: unknown
	Column  int    `json:"column"`
}

// The codes of errors in a request.
const (
	CodeNotFound   = "not_found"
	CodeCrossSite  = "cross_site"
	CodeMediaType  = "unsupported_media_type"
	CodeBadRequest = "bad_request"
	CodeMethod     = "method_not_allowed"
	CodeTooMany    = "too_many_clients"

	CodeUnauthorized = "unauthorized" // there is no token, or an unknown one
	CodeForbidden    = "forbidden"    // the token may not do that
)

// The codes of refused changes. internal/admin has an HTTP status for each code, and answers a code
// without a status with 409.
const (
	CodeNoFilter     = "no_such_filter"
	CodeNoRevision   = "no_such_revision"
	CodeNotSupported = "not_supported"
	CodeHasSpec      = "has_spec"        // of forget: the filter has a spec
	CodeStillAsked   = "still_asked_for" // of forget: an Envoy asks for the filter
	CodeSyncTimeout  = "sync_timeout"    // of a sync that did not end in time
)

// CodeRolledBack is the error code of a rolled-back filter: its spec describes another revision
// than the rollback's.
const CodeRolledBack = "rolled_back"

// CodeServiceRestart is the code of the warning about Envoys that run another revision of a service
// than the spec's, until they restart.
const CodeServiceRestart = "service_restart"

// [Filter.Summarize] treats these error codes differently: they are no failures.
const (
	CodePreflightRunning = "preflight_running"
	CodeDownloadWaits    = "module_download_waits"
	CodeSpecRemoved      = "spec_removed"
)

// These error codes are warnings on a live subscriber: its module is sent inline.
const (
	CodeModuleNotFetched     = "module_not_fetched"
	CodeModuleFileUnreadable = "module_file_unreadable"
)

// CodeSettingLost is the code of a subscriber's warning: its Envoy ignores a setting of the spec.
const CodeSettingLost = "setting_lost"

// The codes about webhooks.
const (
	CodeWebhookFails = "webhook_fails" // the receiver does not take a message
	CodeNoWebhook    = "no_webhook"    // of a test: the server has no webhook, or not that one
)

// FromSpec is the API's form of a document's error; nil stays nil.
func FromSpec(e *spec.Error) *Error {
	if e == nil {
		return nil
	}
	return &Error{
		Code: e.Code, Message: e.Message, Hint: e.Hint,
		File: e.Pos.File, Line: e.Pos.Line, Column: e.Pos.Column,
	}
}

// Error formats as file:line:column: message (hint).
func (e *Error) Error() string {
	var b strings.Builder
	if p := (spec.Position{File: e.File, Line: e.Line, Column: e.Column}).String(); p != "" {
		b.WriteString(p)
		b.WriteString(": ")
	}
	b.WriteString(e.Message)
	if e.Hint != "" {
		fmt.Fprintf(&b, " (%s)", e.Hint)
	}
	return b.String()
}
