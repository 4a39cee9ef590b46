package moduleserver

import (
	"io"
	"net/http"
)

// transfer sees what an answer was, without standing between the file and the
// socket: with ReadFrom the kernel copies one to the other (sendfile).
type transfer struct {
	http.ResponseWriter
	status int
	sent   int64
}

// WriteHeader notes the status.
func (t *transfer) WriteHeader(status int) {
	// Informational answers come before the one that counts.
	if t.status == 0 && status >= http.StatusOK {
		t.status = status
	}
	t.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes of an answer that is no file.
func (t *transfer) Write(p []byte) (int, error) {
	n, err := t.ResponseWriter.Write(p)
	t.sent += int64(n)
	return n, err
}

// ReadFrom hands the source to the server's own ReadFrom.
func (t *transfer) ReadFrom(source io.Reader) (int64, error) {
	n, err := io.Copy(t.ResponseWriter, source)
	t.sent += n
	return n, err
}

// Unwrap is for http.ResponseController.
func (t *transfer) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// sentAll says whether the answer was the whole module of this size.
func (t *transfer) sentAll(size int64) bool {
	return t.status == http.StatusOK && t.sent == size
}
