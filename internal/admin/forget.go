package admin

import (
	"net/http"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// forget drops a filter without a spec. The request needs no body.
func (s *server) forget(w http.ResponseWriter, r *http.Request, name string) {
	done, e := s.state.Forget(r.Context(), name)
	if e != nil && e.Code == api.CodeNoFilter {
		e = s.unknown(name)
	}
	if e != nil {
		writeError(w, e)
		return
	}
	s.log.Info("forgotten through the API", zap.String("filter", name), zap.String("client", r.RemoteAddr))
	writeJSON(w, http.StatusOK, done)
}
