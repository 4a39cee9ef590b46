// Everything is a filter that uses all of package proxywasm, for the package's tests. The path of a
// request chooses the behaviour. The tests run in the sandbox and on real Envoys.
package main

import (
	"errors"

	"github.com/wasm-xds/wasm-xds/examples/envoy/src/proxywasm"
)

func main() {}

var _ = proxywasm.Register(func() proxywasm.Plugin { return &plugin{} })

// plugin is one configured filter.
type plugin struct {
	proxywasm.BasePlugin
	configuration string
	rootID        string
	counter       proxywasm.Metric
	waiting       []proxywasm.ContextID // the streams that the next tick continues
}

// OnVMStart logs the configuration of the VM.
func (*plugin) OnVMStart(configuration []byte) error {
	proxywasm.Info("started with " + string(configuration))
	return nil
}

// OnConfigure takes any configuration but "refuse".
func (p *plugin) OnConfigure(configuration []byte) (err error) {
	if p.configuration = string(configuration); p.configuration == "refuse" {
		return errors.New("everything: refused, as the configuration says")
	}
	if p.rootID, err = proxywasm.RootID(); err != nil {
		return err
	}
	if p.counter, err = proxywasm.Counter("everything_requests"); err != nil {
		return err
	}
	return proxywasm.SetTickPeriod(tickPeriod)
}

// NewHTTP makes the context of a request.
func (p *plugin) NewHTTP() proxywasm.HTTP { return &stream{plugin: p} }

// NewNetwork makes the context of a connection.
func (*plugin) NewNetwork() proxywasm.Network { return &connection{} }

// OnTick continues the streams that wait. One that has ended meanwhile is left out.
func (p *plugin) OnTick() {
	for _, id := range p.waiting {
		_ = id.Do(func() { check(proxywasm.ContinueRequest()) })
	}
	p.waiting = nil
}

// OnQueueReady logs the message.
func (p *plugin) OnQueueReady(queue proxywasm.Queue) {
	message, err := queue.Dequeue()
	if errors.Is(err, proxywasm.ErrEmpty) {
		return // the request has taken it
	}
	check(err)
	proxywasm.Info("queue: " + string(message))
}

// OnDone has work left, and ends it at once.
func (*plugin) OnDone() bool {
	check(proxywasm.Done())
	return false
}

// check panics with an error that no test expects. The sandbox and Envoy log it.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

// must is a value without an error.
func must[T any](value T, err error) T {
	check(err)
	return value
}
