package proxywasm

import "strconv"

// ContextID is the number of a context in a VM. 0 means no context.
type ContextID uint32

// CurrentContext returns the context of the running callback.
func CurrentContext() ContextID { return vm.current }

// Do calls act with id as the current context. So a plugin can act on a stream, for example in
// [Plugin.OnTick]. If the context has ended, Do returns [ErrBadArgument] and does not
// call act.
func (id ContextID) Do(act func()) error {
	before := vm.current
	if err := asError(proxySetEffectiveContext(uint32(id))); err != nil {
		return err
	}
	vm.current = id
	act()
	vm.current = before
	_ = proxySetEffectiveContext(uint32(before)) // the context exists, because its callback runs
	return nil
}

// machine is the whole state of a VM. A VM has one thread, so no part needs a lock.
type machine struct {
	newPlugin func() Plugin
	current   ContextID
	plugins   map[ContextID]Plugin
	streams   map[ContextID]*stream
	calls     map[uint32]call // the HTTP calls without an answer yet, by their token
}

// stream is the context of an HTTP stream or of a connection. The first callback shows its
// kind.
type stream struct {
	plugin  Plugin
	http    HTTP    // nil: no HTTP callback so far, or the plugin is no HTTP filter
	network Network // nil: the same for callbacks of a connection
}

// call is an HTTP call that waits for its answer.
type call struct {
	owner ContextID
	done  func(HTTPResponse)
}

// vm is the state of this VM. The exports of the ABI are functions without a receiver, so the state
// must be a variable of the package.
var vm = machine{
	plugins: map[ContextID]Plugin{},
	streams: map[ContextID]*stream{},
	calls:   map[uint32]call{},
}

// Register names the function that makes a plugin for each configured filter. Envoy never calls
// main, so call Register in the declaration of a variable; the result has no other use. The last
// call counts. A module with several kinds of plugins asks for [RootID] in the function.
func Register(newPlugin func() Plugin) struct{} {
	vm.newPlugin = newPlugin
	return struct{}{}
}

// within runs a callback of a context. Envoy may call back from within a host function, so within
// restores the former context at the end.
func within(context uint32, run func()) {
	before := vm.current
	vm.current = ContextID(context)
	run()
	vm.current = before
}

// create makes the context of a plugin, which has no parent, or of a stream.
func (m *machine) create(context, parent ContextID) {
	if parent != 0 {
		if plugin := m.plugins[parent]; plugin != nil {
			m.streams[context] = &stream{plugin: plugin}
		}
		return
	}
	if m.newPlugin == nil {
		panic("proxywasm: no plugin is registered: var _ = proxywasm.Register(…)")
	}
	m.plugins[context] = m.newPlugin()
}

// answer calls back the sender of an HTTP call. It ignores an unknown token.
func (m *machine) answer(token uint32, response HTTPResponse) {
	waiting, ok := m.calls[token]
	if !ok {
		return
	}
	delete(m.calls, token)
	waiting.done(response)
}

// remove removes a context, and ignores later answers to the context's HTTP calls.
func (m *machine) remove(context ContextID) {
	for token, waiting := range m.calls {
		if waiting.owner == context {
			delete(m.calls, token)
		}
	}
	if s := m.streams[context]; s != nil {
		delete(m.streams, context)
		s.end(HTTP.OnDelete, Network.OnDelete)
	}
	if plugin, ok := m.plugins[context]; ok {
		delete(m.plugins, context)
		plugin.OnDelete()
	}
}

// end calls the function for the kind of the context, if the kind is known.
func (s *stream) end(http func(HTTP), network func(Network)) {
	if s.http != nil {
		http(s.http)
	}
	if s.network != nil {
		network(s.network)
	}
}

// accepts reports whether a plugin takes a configuration, and logs the reason of a refusal.
func (m *machine) accepts(context ContextID, size uint32, from Buffer, take func(Plugin, []byte) error) bool {
	plugin := m.plugins[context]
	if plugin == nil {
		return false
	}
	var configuration []byte
	if size > 0 {
		var err error
		if configuration, err = from.Read(0, int(size)); err != nil {
			Error("proxywasm: the configuration of " + strconv.Itoa(int(size)) + " bytes cannot be read: " + err.Error())
			return false
		}
	}
	if err := take(plugin, configuration); err != nil {
		Error(err.Error())
		return false
	}
	return true
}
