package dev

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/reason"
)

// startUpstream answers the requests that Envoy forwards to bound, until stop is called: /echo
// with the request's headers, other paths with a welcome.
func startUpstream(address string) (bound string, stop func(), err error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, command.Failure("address_in_use", "the upstream cannot listen on "+address+": "+reason.Of(err),
			"end what uses it, or name another with --upstream-address")
	}
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
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute}
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
