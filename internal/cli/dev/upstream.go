package dev

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/reason"
)

// startUpstream starts the upstream of Envoy at an address, until stop is called. target is the
// URL of the user's own service. Envoy itself reaches a plain service, and a proxy at the address
// stands before a service with https. Without a target, dev's own upstream answers.
func startUpstream(address, target string) (bound string, stop func(), err error) {
	if target == "" {
		return serveUpstream(address, welcome())
	}
	u, err := url.Parse(target)
	if err != nil {
		return "", func() {}, err // ParseUpstream has seen it
	}
	if u.Scheme != "https" {
		return u.Host, func() {}, nil
	}
	return serveUpstream(address, &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.Out.Host = u.Host
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "wasm-xds dev: the service of --upstream does not answer: "+reason.Of(err), http.StatusBadGateway)
		},
	})
}

// CheckUpstream checks the URL of --upstream, and adds the port if it is missing.
func CheckUpstream(text *string) error {
	if *text == "" {
		return nil
	}
	u, err := url.Parse(*text)
	if err != nil {
		u = &url.URL{} // a host and a port alone are no URL
	}
	ports := map[string]string{"http": "80", "https": "443", "tcp": ""}
	switch port, known := ports[u.Scheme]; {
	case !known || u.Host == "":
		return errors.New("it is a URL with http, https or tcp and a host, as in http://127.0.0.1:8080")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil || u.Fragment != "":
		return errors.New("it has more than a host and a port")
	case u.Port() == "" && port == "":
		return errors.New("a port is missing")
	case u.Port() == "":
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	*text = u.String()
	return nil
}

// welcome answers /echo with the request's headers, and other paths with a welcome.
func welcome() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "Welcome to WASM land")
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(w, "%s %s %s\nhost: %s\n", r.Method, r.URL, r.Proto, r.Host)
		for _, name := range slices.Sorted(maps.Keys(r.Header)) {
			for _, value := range r.Header[name] {
				fmt.Fprintf(w, "%s: %s\n", name, value)
			}
		}
	})
	return mux
}

// serveUpstream answers the requests that Envoy forwards to bound, until stop is called.
func serveUpstream(address string, handler http.Handler) (bound string, stop func(), err error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return "", func() {}, command.Failure("address_in_use", "the upstream cannot listen on "+address+": "+reason.Of(err),
			"end what uses it, or name another with --upstream-address")
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(ln) // ends when the server is closed
	}()
	return ln.Addr().String(), func() {
		_ = server.Close() // no request in progress is worth a wait
		<-ended
	}, nil
}
