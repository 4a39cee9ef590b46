package host

// sharedValue is an entry of shared data.
type sharedValue struct {
	value []byte
	cas   uint32
}

// sharedData are the host functions for shared data, and the data.
type sharedData struct {
	memory  *memory
	budget  *budget
	values  map[string]sharedValue
	lastCAS uint32
}

func (s *sharedData) bind(name string) handler {
	switch name {
	case "proxy_get_shared_data":
		return s.get
	case "proxy_set_shared_data":
		return s.set
	default:
		return nil
	}
}

// put may run outside of the module.
func (s *sharedData) put(key string, value []byte) {
	s.lastCAS++
	s.replace(key, sharedValue{append([]byte(nil), value...), s.lastCAS})
}

// replace sets a value and a version.
func (s *sharedData) replace(key string, value sharedValue) {
	size := len(key) + len(value.value)
	if old, ok := s.values[key]; ok {
		size -= len(key) + len(old.value)
	}
	s.budget.storeOutside(size)
	s.values[key] = value
}

func (s *sharedData) remove(key string) {
	if old, ok := s.values[key]; ok {
		s.budget.storeOutside(-len(key) - len(old.value))
		delete(s.values, key)
	}
}

// overlay sets values; restore brings the earlier values back, with their versions.
func (s *sharedData) overlay(values map[string]string) (restore func()) {
	before := map[string]sharedValue{}
	for key, value := range values {
		if old, ok := s.values[key]; ok {
			before[key] = old
		}
		s.put(key, []byte(value))
	}
	return func() {
		for key := range values {
			if old, ok := before[key]; ok {
				s.replace(key, old)
			} else {
				s.remove(key)
			}
		}
	}
}

func (s *sharedData) get(a []uint64) uint64 {
	key, ok := s.memory.text(a[0], a[1])
	if !ok {
		return resultInvalidMemory
	}
	v, ok := s.values[key]
	if !ok {
		return resultNotFound
	}
	if r := s.memory.give(v.value, a[2], a[3]); r != resultOK {
		return r
	}
	if !s.memory.putU32(a[4], v.cas) {
		return resultInvalidMemory
	}
	return resultOK
}

func (s *sharedData) set(a []uint64) uint64 {
	key, ok := s.memory.text(a[0], a[1])
	value, also := s.memory.bytes(a[2], a[3])
	if !ok || !also {
		return resultInvalidMemory
	}
	if old, ok := s.values[key]; ok && a[4] != 0 && a[4] != uint64(old.cas) {
		return resultCASMismatch
	}
	s.put(key, value)
	s.budget.bound()
	return resultOK
}
