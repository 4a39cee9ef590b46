package host

// functions are the host functions of a module, by topic. Each topic owns some state, and binds the
// names of some functions.
// See docs/RATIONALE.md#why-is-each-topic-of-host-functions-a-type.
type functions struct {
	basics     basics
	headers    headerMaps
	buffers    buffers
	properties properties
	flow       flow
	calls      calls
	shared     sharedData
	queues     queues
	metrics    metrics
	foreign    foreign
	wasi       wasi
}

// topics are the topics' tables of names.
func (f *functions) topics() [11]func(name string) handler {
	return [...]func(string) handler{
		f.basics.bind, f.headers.bind, f.buffers.bind, f.properties.bind, f.flow.bind, f.calls.bind,
		f.shared.bind, f.queues.bind, f.metrics.bind, f.foreign.bind, f.wasi.bind,
	}
}

// bind returns the function of a name in [envoy.HostFunctions]: no two of its modules have the same
// name. nil: no topic has the function.
func (f *functions) bind(name string) handler {
	for _, bind := range f.topics() {
		if call := bind(name); call != nil {
			return call
		}
	}
	return nil
}
