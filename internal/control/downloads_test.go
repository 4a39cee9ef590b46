package control

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// hungDownloads hang by their URLs until their context ends, and report a pause.
type hungDownloads struct {
	anyModule
	begun, ended chan string
}

func (h hungDownloads) ResolveSpec(ctx context.Context, s *spec.Spec) (snapshot.Module, *spec.Error) {
	if s.Module.URL == "" || s.Module.URL == "https://fine.example/a.wasm" {
		return anyModule{}.ResolveSpec(ctx, s)
	}
	h.begun <- s.Module.URL
	transfer.Report(ctx, transfer.Wait{Why: "hangs.example answered 503", Until: time.Unix(1_700_000_000, 0)})
	<-ctx.Done()
	h.ended <- s.Module.URL
	return snapshot.Module{}, &spec.Error{Code: "module_download_failed", Message: ctx.Err().Error()}
}

// fetched is a set of filters by name, each with a module from a URL.
func fetched(urls map[string]string) source.Set {
	configs := map[string]string{}
	for name := range urls {
		configs[name] = "one"
	}
	set := configured(configs)
	for _, s := range set.Specs {
		s.Module = spec.Module{URL: urls[s.Name], SHA256: "00"}
	}
	return set
}

func TestADownloadThatWaitsIsShownAndEndsWithItsSpec(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(toldSource, 1)
		h := hungDownloads{begun: make(chan string, 20), ended: make(chan string, 20)}
		c := newChecked(nil, func(cfg *Config) { cfg.Source, cfg.Modules = told, h })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx, nobody{}) }()
		defer func() { cancel(); <-ended }()

		urls := map[string]string{"fine": "https://fine.example/a.wasm"}
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			urls[name] = "https://" + name + ".example/a.wasm"
		}
		told <- fetched(urls)
		synctest.Wait()
		if len(h.begun) != 8 {
			t.Errorf("%d downloads have begun", len(h.begun))
		}
		if f, _ := NewAPI(c).Filter("fine"); f.Revision == "" || f.Error != nil {
			t.Errorf("the healthy one is %+v", f)
		}
		f, _ := NewAPI(c).Filter("a")
		if f.Summarize(); f.Condition != api.ConditionProgressing {
			t.Errorf("one that waits is %s", f.Condition)
		}
		if f.State != "preparing" || f.Error == nil || f.Error.Code != api.CodeDownloadWaits ||
			f.Error.Message != "the download of its module waits: hangs.example answered 503; it goes on at 22:13:20 UTC" {
			t.Errorf("one that hangs is %+v: %+v", f.State, f.Error)
		}

		delete(urls, "a")
		told <- fetched(urls)
		synctest.Wait()
		if len(h.ended) != 1 || <-h.ended != "https://a.example/a.wasm" {
			t.Error("the download of a removed spec goes on")
		}
		// The same reference again is a new download.
		urls["a"] = "https://a.example/a.wasm"
		told <- fetched(urls)
		synctest.Wait()
		if len(h.begun) != 9 || len(h.ended) != 0 {
			t.Errorf("%d have begun, %d have ended", len(h.begun), len(h.ended))
		}
		if f, _ := NewAPI(c).Filter("a"); f.Error == nil || f.Error.Code != api.CodeDownloadWaits {
			t.Errorf("it is %+v", f.Error)
		}
	})
}
