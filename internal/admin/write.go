package admin

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

func writeMethodError(w http.ResponseWriter, r *http.Request, allow string) {
	w.Header().Set("Allow", allow)
	writeError(w, &api.Error{
		Code: api.CodeMethod, Message: r.Method + " is not possible here", Hint: "use " + allow,
	})
}

// writeError is the only place in which an error becomes an HTTP answer.
func writeError(w http.ResponseWriter, e *api.Error) {
	writeJSON(w, statusOf(e), map[string]*api.Error{"error": e})
}

// Untrusted answers a client after its certificate has lost trust.
func Untrusted(w http.ResponseWriter, _ *http.Request) {
	writeError(w, &api.Error{
		Code: api.CodeUnauthorized, Message: "the certificate of this client is not trusted any more",
		Hint: "connect again with a certificate that is valid, of a CA in the server's --admin-client-ca-file",
	})
}

// statusOf is the HTTP status for an error.
func statusOf(e *api.Error) int {
	switch e.Code {
	case api.CodeNoFilter, api.CodeNoRevision, api.CodeNotFound, api.CodeNoWebhook:
		return http.StatusNotFound
	case api.CodeNotSupported:
		return http.StatusNotImplemented
	case api.CodeUnauthorized:
		return http.StatusUnauthorized
	case api.CodeCrossSite, api.CodeForbidden:
		return http.StatusForbidden
	case api.CodeMediaType:
		return http.StatusUnsupportedMediaType
	case api.CodeBadRequest:
		return http.StatusBadRequest
	case api.CodeMethod:
		return http.StatusMethodNotAllowed
	case api.CodeSyncTimeout:
		return http.StatusGatewayTimeout
	case api.CodeTooMany:
		return http.StatusServiceUnavailable
	default:
		return http.StatusConflict
	}
}

// writeJSON encodes the value first: an answer is whole or an error.
func writeJSON(w http.ResponseWriter, status int, value any) {
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(value); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	write(w, status, "application/json", text.Bytes())
}

func writeText(w http.ResponseWriter, status int, text string) {
	write(w, status, "text/plain; charset=utf-8", []byte(text))
}

func write(w http.ResponseWriter, status int, kind string, text []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(text) // a client that has gone needs no answer
}
