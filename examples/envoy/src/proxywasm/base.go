package proxywasm

// BasePlugin is a plugin without any work: it accepts every configuration and has no streams.
type BasePlugin struct{}

// OnVMStart accepts every configuration.
func (BasePlugin) OnVMStart([]byte) error { return nil }

// OnConfigure accepts every configuration.
func (BasePlugin) OnConfigure([]byte) error { return nil }

// NewHTTP returns nil.
func (BasePlugin) NewHTTP() HTTP { return nil }

// NewNetwork returns nil.
func (BasePlugin) NewNetwork() Network { return nil }

// OnTick does nothing.
func (BasePlugin) OnTick() {}

// OnQueueReady does nothing.
func (BasePlugin) OnQueueReady(Queue) {}

// OnForeignFunction does nothing.
func (BasePlugin) OnForeignFunction(uint32, []byte) {}

// OnDone returns true, because no work is left.
func (BasePlugin) OnDone() bool { return true }

// OnDelete does nothing.
func (BasePlugin) OnDelete() {}

// BaseHTTP is an HTTP stream that passes unchanged.
type BaseHTTP struct{}

// OnRequestHeaders continues.
func (BaseHTTP) OnRequestHeaders(int, bool) Action { return Continue }

// OnRequestBody continues.
func (BaseHTTP) OnRequestBody(int, bool) Action { return Continue }

// OnRequestTrailers continues.
func (BaseHTTP) OnRequestTrailers(int) Action { return Continue }

// OnResponseHeaders continues.
func (BaseHTTP) OnResponseHeaders(int, bool) Action { return Continue }

// OnResponseBody continues.
func (BaseHTTP) OnResponseBody(int, bool) Action { return Continue }

// OnResponseTrailers continues.
func (BaseHTTP) OnResponseTrailers(int) Action { return Continue }

// OnLog does nothing.
func (BaseHTTP) OnLog() {}

// OnDelete does nothing.
func (BaseHTTP) OnDelete() {}

// BaseNetwork is a connection that passes unchanged.
type BaseNetwork struct{}

// OnNewConnection continues.
func (BaseNetwork) OnNewConnection() Action { return Continue }

// OnDownstreamData continues.
func (BaseNetwork) OnDownstreamData(int, bool) Action { return Continue }

// OnDownstreamClose does nothing.
func (BaseNetwork) OnDownstreamClose(Peer) {}

// OnUpstreamData continues.
func (BaseNetwork) OnUpstreamData(int, bool) Action { return Continue }

// OnUpstreamClose does nothing.
func (BaseNetwork) OnUpstreamClose(Peer) {}

// OnLog does nothing.
func (BaseNetwork) OnLog() {}

// OnDelete does nothing.
func (BaseNetwork) OnDelete() {}
