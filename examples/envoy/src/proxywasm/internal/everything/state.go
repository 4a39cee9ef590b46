package main

import (
	"errors"
	"strconv"

	"github.com/wasm-xds/wasm-xds/examples/envoy/src/proxywasm"
)

// data counts in shared data, and shows an old version is refused.
func data() {
	count := 0
	value, cas, err := proxywasm.SharedData("count")
	switch {
	case err == nil:
		count = must(strconv.Atoi(string(value)))
	case !errors.Is(err, proxywasm.ErrNotFound):
		panic(err)
	}
	count++
	check(proxywasm.SetSharedData("count", []byte(strconv.Itoa(count)), cas))
	if cas != 0 {
		if err := proxywasm.SetSharedData("count", nil, cas); !errors.Is(err, proxywasm.ErrCASMismatch) {
			panic(err)
		}
	}
	check(proxywasm.RequestHeaders.Replace("x-count", strconv.Itoa(count)))
}

// queue sends a message to itself.
func queue() {
	registered := must(proxywasm.RegisterQueue("messages"))
	vmID := must(proxywasm.StringProperty("plugin_vm_id"))
	check(must(proxywasm.ResolveQueue(vmID, "messages")).Enqueue([]byte("hello")))
	message := must(registered.Dequeue())
	_, err := registered.Dequeue()
	if !errors.Is(err, proxywasm.ErrEmpty) {
		panic(err)
	}
	check(proxywasm.RequestHeaders.Replace("x-message", string(message)))
}

// properties reads one property of each type, and sets one.
func (*stream) properties() {
	if _, err := proxywasm.Property("no", "such"); !errors.Is(err, proxywasm.ErrNotFound) {
		panic(err)
	}
	check(proxywasm.SetProperty([]byte("set"), "everything"))
	check(proxywasm.RequestHeaders.Replace("x-path", must(proxywasm.StringProperty("request", "url_path"))))
	check(proxywasm.RequestHeaders.Replace("x-size", strconv.FormatInt(must(proxywasm.IntProperty("request", "size")), 10)))
	check(proxywasm.RequestHeaders.Replace("x-mtls", strconv.FormatBool(must(proxywasm.BoolProperty("connection", "mtls")))))
	check(proxywasm.RequestHeaders.Replace("x-set", must(proxywasm.StringProperty("everything"))))
}

// metrics uses a gauge and a histogram. The counter of requests is the plugin's.
func metrics() {
	gauge := must(proxywasm.Gauge("everything_gauge"))
	check(gauge.Record(7))
	check(gauge.Add(-2))
	check(must(proxywasm.Histogram("everything_histogram")).Record(3))
	check(proxywasm.RequestHeaders.Replace("x-gauge", strconv.FormatUint(must(gauge.Value()), 10)))
}

// log writes a line of each level, as the names say.
func (*stream) log() {
	must(proxywasm.EnabledLevel())
	for level, log := range []func(string){
		proxywasm.Trace, proxywasm.Debug, proxywasm.Info, proxywasm.Warn, proxywasm.Error, proxywasm.Critical,
	} {
		log("level " + strconv.Itoa(level))
	}
	if _, err := proxywasm.CallForeignFunction("no_such_function", nil); !errors.Is(err, proxywasm.ErrNotFound) {
		panic(err)
	}
}
