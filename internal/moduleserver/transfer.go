package moduleserver

import (
	"io"
	"net/http"
)

// transfer records the status and size of an answer. Its ReadFrom keeps the direct path from the
// file to the socket, so the kernel can copy the bytes (sendfile).
type transfer struct {
	http.ResponseWriter
	status int
	sent   int64
}

// WriteHeader records the status.
func (t *transfer) WriteHeader(status int) {
	// Informational answers come before the final answer.
	if t.status == 0 && status >= http.StatusOK {
		t.status = status
	}
	t.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes of an answer without a file.
func (t *transfer) Write(p []byte) (int, error) {
	n, err := t.ResponseWriter.Write(p)
	t.sent += int64(n)
	return n, err
}

// ReadFrom passes the source to the server's own ReadFrom.
func (t *transfer) ReadFrom(source io.Reader) (int64, error) {
	n, err := io.Copy(t.ResponseWriter, source)
	t.sent += n
	return n, err
}

// Unwrap serves http.ResponseController.
func (t *transfer) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// sentAll reports whether the answer was the whole module of this size.
func (t *transfer) sentAll(size int64) bool {
	return t.status == http.StatusOK && t.sent == size
}
