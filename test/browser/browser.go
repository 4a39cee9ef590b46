// Package browser runs Debian's Chromium for tests of the web page.
package browser

import (
	"context"
	"errors"
	"os"
	"os/exec"

	"github.com/chromedp/chromedp"
)

// Browser is a running Chromium without a window.
type Browser struct {
	first context.Context // the browser lives as long as its first tab
	end   func()
}

// Start starts the browser. scripts/install-packages installs a missing one.
func Start() (*Browser, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		return start(path)
	}
	return nil, errors.New("there is no Chromium: install it (Debian: apt-get install chromium)")
}

func start(path string) (*Browser, error) {
	data, err := os.MkdirTemp("", "wasm-xds-page-")
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(data),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-component-update", true))
	allocated, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	first, cancelFirst := chromedp.NewContext(allocated)
	b := &Browser{first: first, end: func() {
		_ = chromedp.Cancel(first) // the directory is removed in any case
		cancelFirst()
		cancelAllocator()
		_ = os.RemoveAll(data)
	}}
	if err := chromedp.Do(first, chromedp.Navigate("about:blank")); err != nil {
		b.end()
		return nil, err
	}
	return b, nil
}

// Tab returns the context of a new tab, for the functions of chromedp. The caller must call end.
func (b *Browser) Tab() (tab context.Context, end context.CancelFunc) {
	return chromedp.NewContext(b.first)
}

// Close ends the browser with all of its tabs.
func (b *Browser) Close() { b.end() }
