package host

// queue is a shared queue; its token is its index plus one.
type queue struct {
	name  string
	items [][]byte // of a registered queue; another plugin takes the messages of other queues
	// registered says the module itself has registered the queue, and hears of each message.
	registered bool
	put        [][]byte // by the module since the last forget
}

// queues are the host functions for shared queues, and the queues.
type queues struct {
	memory *memory
	budget *budget
	config *Config
	// ready is called when the module puts a message into a queue of the module's own.
	ready func(token uint32)
	all   []*queue
}

// foreign adds a queue of another plugin with the same vm_id.
func (q *queues) foreign(name string) {
	if q.token(name) == 0 {
		q.all = append(q.all, &queue{name: name})
	}
}

// deliver adds a message of another plugin. ok is false if the module has not registered the queue.
func (q *queues) deliver(name string, message []byte) (token uint32, ok bool) {
	token = q.token(name)
	one := q.find(uint64(token))
	if one == nil || !one.registered {
		return 0, false
	}
	q.budget.store(len(message) + perItem)
	one.items = append(one.items, message)
	return token, true
}

// forget drops the messages of [queues.taken].
func (q *queues) forget() {
	for _, one := range q.all {
		for _, message := range one.put {
			if !one.registered {
				q.budget.store(-len(message) - perItem)
			}
		}
		one.put = nil
	}
}

// taken returns the module's messages in a queue since the last forget.
func (q *queues) taken(name string) [][]byte {
	one := q.find(uint64(q.token(name)))
	if one == nil {
		return nil
	}
	return one.put
}

// tokens returns the module's own queues.
func (q *queues) tokens() []uint32 {
	var tokens []uint32
	for i, one := range q.all {
		if one.registered {
			tokens = append(tokens, uint32(i+1))
		}
	}
	return tokens
}

func (q *queues) bind(name string) handler {
	switch name {
	case "proxy_register_shared_queue":
		return q.register
	case "proxy_resolve_shared_queue":
		return q.resolve
	case "proxy_dequeue_shared_queue":
		return q.dequeue
	case "proxy_enqueue_shared_queue":
		return q.enqueue
	default:
		return nil
	}
}

// token returns the token of a name; 0: there is no such queue.
func (q *queues) token(name string) uint32 {
	for i, one := range q.all {
		if one.name == name {
			return uint32(i + 1)
		}
	}
	return 0
}

func (q *queues) find(token uint64) *queue {
	if i := int(uint32(token)) - 1; i >= 0 && i < len(q.all) {
		return q.all[i]
	}
	return nil
}

func (q *queues) register(a []uint64) uint64 {
	name, ok := q.memory.text(a[0], a[1])
	if !ok {
		return resultInvalidMemory
	}
	token := q.token(name)
	if token == 0 {
		q.budget.store(len(name) + perItem)
		q.all = append(q.all, &queue{name: name})
		token = uint32(len(q.all))
	}
	q.find(uint64(token)).registered = true
	if !q.memory.putU32(a[2], token) {
		return resultInvalidMemory
	}
	return resultOK
}

func (q *queues) resolve(a []uint64) uint64 {
	vm, ok := q.memory.text(a[0], a[1])
	name, also := q.memory.text(a[2], a[3])
	if !ok || !also {
		return resultInvalidMemory
	}
	token := q.token(name)
	if token == 0 || vm != "" && vm != q.config.VMID {
		return resultNotFound
	}
	if !q.memory.putU32(a[4], token) {
		return resultInvalidMemory
	}
	return resultOK
}

func (q *queues) dequeue(a []uint64) uint64 {
	one := q.find(a[0])
	if one == nil {
		return resultNotFound
	}
	if len(one.items) == 0 {
		return resultEmpty
	}
	item := one.items[0]
	one.items = one.items[1:]
	q.budget.store(-len(item) - perItem)
	return q.memory.give(item, a[1], a[2])
}

func (q *queues) enqueue(a []uint64) uint64 {
	data, ok := q.memory.bytes(a[1], a[2])
	if !ok {
		return resultInvalidMemory
	}
	one := q.find(a[0])
	if one == nil {
		return resultNotFound
	}
	q.budget.store(len(data) + perItem)
	message := append([]byte(nil), data...)
	one.put = append(one.put, message)
	if one.registered {
		one.items = append(one.items, message)
		q.ready(uint32(a[0]))
	}
	return resultOK
}
