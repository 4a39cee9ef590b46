package admin

import (
	"net/http"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// filterHandler answers the requests below /filters/.
type filterHandler struct {
	state   State
	fleet   Fleet
	changes changes
}

// ServeHTTP serves a filter, its history and its changes. A name may have slashes. The end of the
// path tells a POST, and also a history, a diff or the figures if the slash before it is not %2F
// and the rest names a filter.
func (h filterHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	before, change := h.changes.at(name)
	switch {
	case r.Method == http.MethodPost && change != nil:
		if e := mayChange(r); e != nil {
			writeError(w, e)
			return
		}
		change(w, r, before)
	case isRead(r) && strings.HasSuffix(r.URL.EscapedPath(), historyTail):
		h.history(w, r, name)
	case isRead(r) && strings.HasSuffix(r.URL.EscapedPath(), diffTail):
		h.diff(w, r, name)
	case isRead(r) && strings.HasSuffix(r.URL.EscapedPath(), figuresTail):
		h.figures(w, r, name)
	case isRead(r) && strings.HasSuffix(r.URL.EscapedPath(), contentTail):
		h.content(w, r, name)
	case isRead(r):
		h.filter(w, r, name)
	case change != nil:
		writeMethodError(w, r, "GET, POST")
	default:
		writeMethodError(w, r, "GET")
	}
}

func (h filterHandler) history(w http.ResponseWriter, r *http.Request, path string) {
	name := strings.TrimSuffix(path, historyTail)
	history, ok := h.state.History(name)
	if !ok {
		h.filterOf(w, r, path, name)
		return
	}
	history.Revisions = notNull(history.Revisions)
	writeJSON(w, http.StatusOK, history)
}

// diff answers the difference between two revisions, unless the path is the name of a filter.
func (h filterHandler) diff(w http.ResponseWriter, r *http.Request, path string) {
	q, e := diffParameters.parse(r.URL.Query())
	if e != nil {
		writeError(w, e)
		return
	}
	name := strings.TrimSuffix(path, diffTail)
	d, e := h.state.Diff(name, q.one("from"), q.one("to"))
	switch {
	case e == nil:
		d.Diff, d.ImportsAdded, d.ImportsRemoved = notNull(d.Diff), notNull(d.ImportsAdded), notNull(d.ImportsRemoved)
		writeJSON(w, http.StatusOK, d)
	case e.Code == api.CodeNoFilter:
		h.filterOf(w, r, path, name)
	default:
		writeError(w, e)
	}
}

// figures answers as history does: the rest of the path names a filter, or all of it does.
func (h filterHandler) figures(w http.ResponseWriter, r *http.Request, path string) {
	name := strings.TrimSuffix(path, figuresTail)
	if figures, ok := h.state.Figures(name); ok {
		writeJSON(w, http.StatusOK, figures)
		return
	}
	h.filterOf(w, r, path, name)
}

// content answers the content of a filter, unless the path is the name of a filter.
func (h filterHandler) content(w http.ResponseWriter, r *http.Request, path string) {
	name := strings.TrimSuffix(path, contentTail)
	content, ok := h.state.Content(name)
	if !ok {
		h.filterOf(w, r, path, name)
		return
	}
	content.Settings, content.Tests = notNull(content.Settings), notNull(content.Tests)
	if content.Resource == nil {
		content.Resource = map[string]any{}
	}
	writeJSON(w, http.StatusOK, content)
}

func (h filterHandler) filter(w http.ResponseWriter, r *http.Request, name string) {
	h.filterOf(w, r, name, name)
}

// filterOf answers the filter that the whole path names. If there is none, the error is about the
// filter with the name.
func (h filterHandler) filterOf(w http.ResponseWriter, r *http.Request, path, name string) {
	own, known := h.state.Filter(path)
	f, ok := h.fleet.Filter(r.Context(), path, own, known)
	if !ok {
		writeError(w, noFilter(h.state, name))
		return
	}
	writeJSON(w, http.StatusOK, completeFilter(f))
}
