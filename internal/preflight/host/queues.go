package host

// queue is a shared queue; its token is its index plus one.
type queue struct {
	name  string
	items [][]byte
}

// queues are the host functions for shared queues, and the queues.
type queues struct {
	memory *memory
	budget *budget
	config *Config
	all    []*queue
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
	one.items = append(one.items, append([]byte(nil), data...))
	return resultOK
}
