package control

import (
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/report"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Content returns the content of a filter; false: no spec ever had the name. The resource is made
// on the caller's goroutine.
func (a *API) Content(name string) (content api.Content, found bool) {
	var serving *snapshot.Revision
	a.ask(func(v *report.View) { content, serving, found = report.Content(v, name) })
	if serving == nil || a.c.cfg.Show == nil {
		return content, found
	}
	variants := map[string]snapshot.Variant{"remote": snapshot.Remote, "inline": snapshot.Inline, "file": snapshot.File}
	resource, err := a.c.cfg.Show(serving, variants[content.Variant], content.Envoy)
	if err != nil {
		a.c.cfg.Logger.Warn("the resource of a revision cannot be shown", zap.String("filter", name), zap.String("revision", serving.ID), zap.Error(err))
	}
	content.Resource = resource
	return content, found
}
