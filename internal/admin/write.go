package admin

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

func writeMethodError(w http.ResponseWriter, r *http.Request, allow string) {
	w.Header().Set("Allow", allow)
	writeError(w, &Error{
		Code: codeMethod, Message: r.Method + " is not possible here", Hint: "use " + allow,
	})
}

// writeError is the only place in which an error becomes an HTTP answer.
func writeError(w http.ResponseWriter, e *Error) {
	writeJSON(w, e.status(), map[string]*Error{"error": e})
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
