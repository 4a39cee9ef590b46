package proxywasm

// SharedData is the value of a key, and the number of its current version. All plugins with the same
// vm.id share the keys, on all threads of one Envoy. It returns [ErrNotFound] where there is none.
func SharedData(key string) (value []byte, cas uint32, err error) {
	value, err = receive(func(address, size *uint32) uint32 {
		return proxyGetSharedData(key, address, size, &cas)
	})
	return value, cas, err
}

// SetSharedData sets the value of a key if its version is still cas. It returns [ErrCASMismatch] if
// not: read the value again, and try once more. With the cas 0 it sets the value in any case.
func SetSharedData(key string, value []byte, cas uint32) error {
	return asError(proxySetSharedData(key, text(value), cas))
}

// Queue is a shared queue: a list of messages from any plugin to the one that registered it.
type Queue uint32

// RegisterQueue makes the queue of this name, or finds it. The current plugin gets
// [Plugin.OnQueueReady] when a message arrives.
func RegisterQueue(name string) (Queue, error) {
	var queue uint32
	err := asError(proxyRegisterSharedQueue(name, &queue))
	return Queue(queue), err
}

// ResolveQueue finds the queue that a plugin with this vm.id has registered. It returns [ErrNotFound]
// where there is none yet.
func ResolveQueue(vmID, name string) (Queue, error) {
	var queue uint32
	err := asError(proxyResolveSharedQueue(vmID, name, &queue))
	return Queue(queue), err
}

// Enqueue adds a message at the end.
func (q Queue) Enqueue(message []byte) error {
	return asError(proxyEnqueueSharedQueue(uint32(q), text(message)))
}

// Dequeue takes the first message. It returns [ErrEmpty] where there is none.
func (q Queue) Dequeue() ([]byte, error) {
	return receive(func(address, size *uint32) uint32 {
		return proxyDequeueSharedQueue(uint32(q), address, size)
	})
}
