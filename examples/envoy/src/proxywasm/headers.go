package proxywasm

// HeaderMap is one of the header maps of the current context. A map exists only from its own
// callback on, and can be changed only until this callback continues. Before and after, the
// methods return [ErrBadArgument].
//
// Names are compared in lower case.
type HeaderMap uint32

// The header maps of the ABI. Envoy fills the last two only in the callback of [HTTPCall].
const (
	RequestHeaders   HeaderMap = 0
	RequestTrailers  HeaderMap = 1
	ResponseHeaders  HeaderMap = 2
	ResponseTrailers HeaderMap = 3

	CallResponseHeaders  HeaderMap = 6
	CallResponseTrailers HeaderMap = 7
)

// Get returns the value of a header, or the first of several values. For a missing header the error
// is [ErrNotFound].
func (m HeaderMap) Get(name string) (string, error) {
	value, err := receive(func(address, size *uint32) uint32 {
		return proxyGetHeaderMapValue(uint32(m), name, address, size)
	})
	return string(value), err
}

// All returns every header in the order of Envoy. A name with several values occurs several times.
func (m HeaderMap) All() ([]Header, error) {
	encoded, err := receive(func(address, size *uint32) uint32 {
		return proxyGetHeaderMapPairs(uint32(m), address, size)
	})
	if err != nil {
		return nil, err
	}
	return decodePairs(encoded)
}

// Size returns the number of bytes of all names and values.
func (m HeaderMap) Size() (int, error) {
	var size uint32
	err := asError(proxyGetHeaderMapSize(uint32(m), &size))
	return int(size), err
}

// Add adds a value to the values of the name.
func (m HeaderMap) Add(name, value string) error {
	return asError(proxyAddHeaderMapValue(uint32(m), name, value))
}

// Replace replaces all values of a name by one value.
func (m HeaderMap) Replace(name, value string) error {
	return asError(proxyReplaceHeaderMapValue(uint32(m), name, value))
}

// Remove removes all values of a name. A missing name is no error.
func (m HeaderMap) Remove(name string) error {
	return asError(proxyRemoveHeaderMapValue(uint32(m), name))
}

// SetAll replaces the whole map.
func (m HeaderMap) SetAll(headers []Header) error {
	return asError(proxySetHeaderMapPairs(uint32(m), text(encodePairs(headers))))
}
