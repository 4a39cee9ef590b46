package proxywasm

import "strconv"

// ContextID is the number of a context in a VM. 0 is none.
type ContextID uint32

// CurrentContext is the context whose callback runs.
func CurrentContext() ContextID { return vm.current }

// Do calls act with id as the current context, so that a plugin can act on a stream, for example in
// [Plugin.OnTick]. It returns [ErrBadArgument] where the context has ended, and does not call act
// then.
func (id ContextID) Do(act func()) error {
	before := vm.current
	if err := asError(proxySetEffectiveContext(uint32(id))); err != nil {
		return err
	}
	vm.current = id
	act()
	vm.current = before
	_ = proxySetEffectiveContext(uint32(before)) // its callback runs, so that it is there
	return nil
}

// machine is all state of a VM. A VM has one thread, so that nothing of it needs a lock.
type machine struct {
	newPlugin func() Plugin
	current   ContextID
	plugins   map[ContextID]Plugin
	streams   map[ContextID]*stream
	calls     map[uint32]call // the HTTP calls without an answer yet, by their token
}

// stream is a context of an HTTP stream or of a connection. Which of both it is shows with the first
// callback.
type stream struct {
	plugin  Plugin
	http    HTTP    // nil: no HTTP callback so far, or none that the plugin wants
	network Network // nil: the same for callbacks of a connection
}

// call is an HTTP call that waits for its answer.
type call struct {
	owner ContextID
	done  func(HTTPResponse)
}

// vm is the state of this VM. The exports of the ABI are functions without a receiver, so that it has
// to be a variable of the package.
var vm = machine{
	plugins: map[ContextID]Plugin{},
	streams: map[ContextID]*stream{},
	calls:   map[uint32]call{},
}

// Register names the function that makes a plugin for each configured filter. Envoy never calls main:
// Register belongs in the declaration of a variable, and returns a value for that alone. The last call
// counts. A module with several kinds of plugins asks for [RootID] in the function.
func Register(newPlugin func() Plugin) struct{} {
	vm.newPlugin = newPlugin
	return struct{}{}
}

// within runs a callback of a context. Envoy may call back from within a host function, so that the
// context of before comes back at the end.
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

// answer calls back the sender of an HTTP call. A token that nobody waits for is ignored.
func (m *machine) answer(token uint32, response HTTPResponse) {
	waiting, ok := m.calls[token]
	if !ok {
		return
	}
	delete(m.calls, token)
	waiting.done(response)
}

// remove forgets a context. The answers to its HTTP calls will find nobody.
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

// end calls the one that the context is, if any.
func (s *stream) end(http func(HTTP), network func(Network)) {
	if s.http != nil {
		http(s.http)
	}
	if s.network != nil {
		network(s.network)
	}
}

// accepts says whether a plugin takes a configuration, and logs why not.
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
