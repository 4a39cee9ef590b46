package main

import (
	"bytes"
	"strconv"

	"github.com/wasm-xds/wasm-xds/examples/envoy/src/proxywasm"
)

// connection is one TCP connection.
type connection struct {
	proxywasm.BaseNetwork
	received, sent int // bytes
}

// OnDownstreamData passes bytes on in upper case. The text "close" closes the connection.
func (c *connection) OnDownstreamData(size int, _ bool) proxywasm.Action {
	c.received += size
	if size == 0 {
		return proxywasm.Continue
	}
	data := must(proxywasm.DownstreamData.Bytes())
	if string(data) == "close" {
		check(proxywasm.CloseDownstream())
		return proxywasm.Pause
	}
	check(proxywasm.DownstreamData.Set(bytes.ToUpper(data)))
	return proxywasm.Continue
}

// OnUpstreamData counts bytes.
func (c *connection) OnUpstreamData(size int, _ bool) proxywasm.Action {
	c.sent += size
	return proxywasm.Continue
}

// OnLog says how many bytes there were.
func (c *connection) OnLog() {
	proxywasm.Info("received=" + strconv.Itoa(c.received) + " sent=" + strconv.Itoa(c.sent))
}
