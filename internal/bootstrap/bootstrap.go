// Package bootstrap writes an Envoy bootstrap that takes its Wasm filters from
// wasm-xds: complete, commented, and ready for `envoy -c`.
package bootstrap

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"text/template"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Mode says how an Envoy asks for its filters.
type Mode string

// The modes. ADS is one stream for all filters of an Envoy, the others are one
// stream a filter; delta sends what changed, SotW all names with every request.
// "" is [ADSDelta].
const (
	ADSDelta  Mode = "ads-delta"
	ADSSotW   Mode = "ads-sotw"
	ECDSDelta Mode = "ecds-delta"
	ECDSSotW  Mode = "ecds-sotw"
)

// Filter is one filter of the listener of its type.
type Filter struct {
	Name string
	Type spec.Type
}

// Options say what a bootstrap is for. The zero value of each field but Filters
// is the default named beside it. Addresses are host:port, and may be names
// where Envoy connects; there, a host that means all interfaces becomes
// 127.0.0.1. Port 0 lets the system choose one for Envoy to listen on.
type Options struct {
	// Filters are in the order in which requests meet them. There is at least one, unless
	// the listeners are in a file of their own.
	Filters []Filter
	// ListenersFile is the path of a file that has the listeners, see [RenderListeners];
	// "": the bootstrap itself has them.
	ListenersFile string

	Mode Mode // ads-delta
	// InitialFetchTimeout is how long a listener waits for its filters at boot
	// before it opens without them and answers 500; 0 waits for ever.
	InitialFetchTimeout time.Duration

	XDSAddress     string // 127.0.0.1:18000, the control plane
	ModulesAddress string // 127.0.0.1:18001, its module server
	ModulesCluster string // wasm_xds_modules, as `serve --modules-cluster` has it

	AdminAddress     string // 127.0.0.1:9901
	ListenAddress    string // 127.0.0.1:10000, HTTP; there when an HTTP filter is
	TCPListenAddress string // 127.0.0.1:10001; there when a network filter is
	UpstreamAddress  string // 127.0.0.1:18080, where all traffic goes

	NodeID      string // envoy-1
	NodeCluster string // envoy
}

//go:embed bootstrap.yaml.tmpl
var text string

// Render writes the bootstrap as YAML. Equal options give equal bytes.
func Render(w io.Writer, o Options) error { return render(w, "bootstrap.yaml", o) }

// RenderListeners writes the listeners alone, as a file from which Envoy's LDS reads them.
// The HTTP and the TCP listener are both there, with or without filters. Envoy takes a change
// when the file is replaced by renaming, and only then.
func RenderListeners(w io.Writer, o Options) error { return render(w, "listeners", o) }

func render(w io.Writer, name string, o Options) error {
	v, err := newView(o)
	if err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	t := template.New("bootstrap.yaml")
	t.Funcs(template.FuncMap{
		"quote": quote,
		"lines": func(prefix, name string, data any) (string, error) { return lines(t, prefix, name, data) },
	})
	if _, err := t.Parse(text); err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, name, v); err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	_, err = w.Write(out.Bytes())
	return err
}

// lines is a named template with a prefix before each of its lines, so that one
// text serves at every depth, and as a comment.
func lines(t *template.Template, prefix, name string, data any) (string, error) {
	var out strings.Builder
	if err := t.ExecuteTemplate(&out, name, data); err != nil {
		return "", err
	}
	body := strings.Trim(out.String(), "\n")
	return prefix + strings.ReplaceAll(body, "\n", "\n"+prefix), nil
}
