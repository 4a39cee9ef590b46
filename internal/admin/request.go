package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// maxBody bounds the body of a request: a revision, or a reason.
const maxBody = 4 << 10

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// mayChange refuses requests possible for another site's page without a preflight request.
func mayChange(r *http.Request) *api.Error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &api.Error{
			Code: api.CodeMediaType, Message: "a request that changes something must be application/json",
			Hint: "add the header Content-Type: application/json",
		}
	}
	return nil
}

// bodyOf reads the body of a change, which may be empty.
func bodyOf[T any](w http.ResponseWriter, r *http.Request, hint string) (body T, e *api.Error) {
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	in.DisallowUnknownFields()
	if err := in.Decode(&body); err != nil && err != io.EOF {
		return body, &api.Error{Code: api.CodeBadRequest, Message: fmt.Sprintf("the body is not what is taken here: %v", err), Hint: hint}
	}
	return body, nil
}
