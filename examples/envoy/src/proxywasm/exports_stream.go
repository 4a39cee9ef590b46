package proxywasm

//go:wasmexport proxy_on_request_headers
func onRequestHeaders(context, count, endOfStream uint32) uint32 {
	return inHTTP(context, func(s HTTP) Action { return s.OnRequestHeaders(int(count), endOfStream != 0) })
}

//go:wasmexport proxy_on_request_body
func onRequestBody(context, size, endOfStream uint32) uint32 {
	return inHTTP(context, func(s HTTP) Action { return s.OnRequestBody(int(size), endOfStream != 0) })
}

//go:wasmexport proxy_on_request_trailers
func onRequestTrailers(context, count uint32) uint32 {
	return inHTTP(context, func(s HTTP) Action { return s.OnRequestTrailers(int(count)) })
}

//go:wasmexport proxy_on_response_headers
func onResponseHeaders(context, count, endOfStream uint32) uint32 {
	return inHTTP(context, func(s HTTP) Action { return s.OnResponseHeaders(int(count), endOfStream != 0) })
}

//go:wasmexport proxy_on_response_body
func onResponseBody(context, size, endOfStream uint32) uint32 {
	return inHTTP(context, func(s HTTP) Action { return s.OnResponseBody(int(size), endOfStream != 0) })
}

//go:wasmexport proxy_on_response_trailers
func onResponseTrailers(context, count uint32) uint32 {
	return inHTTP(context, func(s HTTP) Action { return s.OnResponseTrailers(int(count)) })
}

//go:wasmexport proxy_on_new_connection
func onNewConnection(context uint32) uint32 {
	return inNetwork(context, Network.OnNewConnection)
}

//go:wasmexport proxy_on_downstream_data
func onDownstreamData(context, size, endOfStream uint32) uint32 {
	return inNetwork(context, func(s Network) Action { return s.OnDownstreamData(int(size), endOfStream != 0) })
}

//go:wasmexport proxy_on_downstream_connection_close
func onDownstreamClose(context, by uint32) {
	inNetwork(context, func(s Network) Action { s.OnDownstreamClose(Peer(by)); return Continue })
}

//go:wasmexport proxy_on_upstream_data
func onUpstreamData(context, size, endOfStream uint32) uint32 {
	return inNetwork(context, func(s Network) Action { return s.OnUpstreamData(int(size), endOfStream != 0) })
}

//go:wasmexport proxy_on_upstream_connection_close
func onUpstreamClose(context, by uint32) {
	inNetwork(context, func(s Network) Action { s.OnUpstreamClose(Peer(by)); return Continue })
}

// inHTTP runs a callback of an HTTP stream. Without a context of the plugin, the stream passes.
func inHTTP(context uint32, run func(HTTP) Action) uint32 {
	action := Continue
	within(context, func() {
		s := vm.streams[vm.current]
		if s == nil {
			return
		}
		if s.http == nil {
			s.http = s.plugin.NewHTTP()
		}
		if s.http != nil {
			action = run(s.http)
		}
	})
	return uint32(action)
}

// inNetwork runs a callback of a connection. Without a context of the plugin, the bytes pass.
func inNetwork(context uint32, run func(Network) Action) uint32 {
	action := Continue
	within(context, func() {
		s := vm.streams[vm.current]
		if s == nil {
			return
		}
		if s.network == nil {
			s.network = s.plugin.NewNetwork()
		}
		if s.network != nil {
			action = run(s.network)
		}
	})
	return uint32(action)
}
