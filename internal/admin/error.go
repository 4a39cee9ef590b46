package admin

import (
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The codes of errors in a request.
const (
	codeNotFound   = "not_found"
	codeForbidden  = "cross_site"
	codeMediaType  = "unsupported_media_type"
	codeBadRequest = "bad_request"
	codeMethod     = "method_not_allowed"
	codeTooMany    = "too_many_clients"
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

func formatError(e *Error) string {
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
