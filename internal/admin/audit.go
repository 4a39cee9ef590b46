package admin

import (
	"cmp"
	"net/http"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// audit logs each change, also a refused change, as a single line.
type audit struct{ log *zap.Logger }

// serverAction is the action of a request about the whole server; "": the path has none.
func serverAction(r *http.Request) string {
	switch {
	case r.URL.Path == webhookTest:
		return "webhook_test"
	case r.URL.Path == freezePath && r.Method == http.MethodDelete:
		return "thaw"
	case r.URL.Path == freezePath:
		return "freeze"
	default:
		return ""
	}
}

// maxAuditName bounds the name of a filter in the log: a client may ask for any name.
const maxAuditName = 256

// note logs the outcome of a change. revision is the result of the change, or the revision in the
// request. e is nil after a success.
func (a audit) note(r *http.Request, action, filter, revision string, e *api.Error) {
	outcome, c := "ok", callerOf(r)
	if e != nil {
		outcome = cmp.Or(e.Code, "failed")
	}
	a.log.Info("change", zap.String("action", action), zap.String("filter", filter[:min(len(filter), maxAuditName)]),
		zap.String("revision", revision[:min(len(revision), maxAuditName)]), zap.String("outcome", outcome),
		zap.String("who", c.who), zap.String("by", c.by), zap.String("from", from(r)))
}
