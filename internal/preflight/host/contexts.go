package host

// vmContext is the context while a module starts, and rootContext is the context of the plugin.
const (
	vmContext   = 0
	rootContext = 1
)

// contextState is the state of a context of Proxy-Wasm: of the root, or of a stream.
type contextState struct {
	id         uint32
	exchange   *exchange         // nil: no HTTP stream
	link       *link             // nil: no connection
	properties map[string]string // set by the caller or the module
}

func (c *contextState) set(path, value string) {
	if c.properties == nil {
		c.properties = map[string]string{}
	}
	c.properties[path] = value
}

// contexts are a module's contexts. Host functions act on the active context.
type contexts struct {
	byID map[uint32]*contextState
	next uint32 // id
	position
}

// position says which context host functions act on.
type position struct {
	current uint32 // the context of the current callback
	chosen  uint32 // by proxy_set_effective_context; 0: none
}

func newContexts() *contexts { return &contexts{byID: map[uint32]*contextState{}, next: rootContext} }

// addRoot adds the context of the VM or of the plugin. Streams have higher ids.
func (c *contexts) addRoot(id uint32) {
	c.byID[id] = &contextState{id: id}
	c.next = max(c.next, id+1)
}

// add gives a stream's context an id.
func (c *contexts) add(state *contextState) {
	state.id = c.next
	c.byID[state.id] = state
	c.next++
}

func (c *contexts) remove(id uint32) { delete(c.byID, id) }

// active returns the active context.
func (c *contexts) active() *contextState {
	if chosen := c.byID[c.chosen]; chosen != nil && c.chosen != vmContext {
		return chosen
	}
	return c.byID[c.current]
}

// enter begins a callback of a context. [contexts.leave] takes the result after the callback.
func (c *contexts) enter(id uint32) (before position) {
	before = c.position
	c.position = position{current: id}
	return before
}

func (c *contexts) leave(before position) { c.position = before }

// choose makes another context the active context until the callback ends. Without a context of
// that id, choose returns false.
func (c *contexts) choose(id uint32) bool {
	if c.byID[id] == nil {
		return false
	}
	c.chosen = id
	return true
}
