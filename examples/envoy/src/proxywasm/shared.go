package proxywasm

// SharedData returns the value of a key, and the number of its current version. All plugins with
// the same vm.id share the keys, on all threads of an Envoy. For a missing key: [ErrNotFound].
func SharedData(key string) (value []byte, cas uint32, err error) {
	value, err = receive(func(address, size *uint32) uint32 {
		return proxyGetSharedData(key, address, size, &cas)
	})
	return value, cas, err
}

// SetSharedData sets the value of a key if the key's version is still cas. Otherwise the error is
// [ErrCASMismatch]: read the value again and retry. With cas 0, it sets the value in any case.
func SetSharedData(key string, value []byte, cas uint32) error {
	return asError(proxySetSharedData(key, text(value), cas))
}

// Queue is a shared queue: a list of messages from any plugin to the plugin that registered it.
type Queue uint32

// RegisterQueue makes or finds the queue with this name. The current plugin gets
// [Plugin.OnQueueReady] when a message arrives.
func RegisterQueue(name string) (Queue, error) {
	var queue uint32
	err := asError(proxyRegisterSharedQueue(name, &queue))
	return Queue(queue), err
}

// ResolveQueue finds the queue that a plugin with this vm.id has registered. If there is none yet,
// the error is [ErrNotFound].
func ResolveQueue(vmID, name string) (Queue, error) {
	var queue uint32
	err := asError(proxyResolveSharedQueue(vmID, name, &queue))
	return Queue(queue), err
}

// Enqueue adds a message at the end.
func (q Queue) Enqueue(message []byte) error {
	return asError(proxyEnqueueSharedQueue(uint32(q), text(message)))
}

// Dequeue takes the first message. For an empty queue the error is [ErrEmpty].
func (q Queue) Dequeue() ([]byte, error) {
	return receive(func(address, size *uint32) uint32 {
		return proxyDequeueSharedQueue(uint32(q), address, size)
	})
}
