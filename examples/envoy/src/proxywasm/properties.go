package proxywasm

import (
	"encoding/binary"
	"strings"
)

// Property returns the value of one of Envoy's attributes, as in Property("source", "address").
// Envoy's documentation joins the parts of a path with dots. A text is the value itself, a number
// has 8 bytes in little-endian order, a boolean one byte. For a missing value: [ErrNotFound].
func Property(path ...string) ([]byte, error) {
	joined := strings.Join(path, "\x00")
	return receive(func(address, size *uint32) uint32 { return proxyGetProperty(joined, address, size) })
}

// StringProperty returns the value of an attribute with a text.
func StringProperty(path ...string) (string, error) {
	value, err := Property(path...)
	return string(value), err
}

// IntProperty returns the value of an attribute with a number, like response.code. If the value
// has another size, the error is [ErrResultMismatch].
func IntProperty(path ...string) (int64, error) {
	value, err := Property(path...)
	if err != nil {
		return 0, err
	}
	return decodeInt(value)
}

// BoolProperty returns the value of a boolean attribute, like connection.mtls. If the value has
// another size, the error is [ErrResultMismatch].
func BoolProperty(path ...string) (bool, error) {
	value, err := Property(path...)
	if err != nil {
		return false, err
	}
	return decodeBool(value)
}

// SetProperty sets a property of the stream, as filter state of Envoy. The following filters find
// the property under the name "wasm." and the path.
func SetProperty(value []byte, path ...string) error {
	return asError(proxySetProperty(strings.Join(path, "\x00"), text(value)))
}

// RootID returns the root id from the plugin's configuration.
func RootID() (string, error) { return StringProperty("plugin_root_id") }

func decodeInt(value []byte) (int64, error) {
	if len(value) != 8 {
		return 0, ErrResultMismatch
	}
	return int64(binary.LittleEndian.Uint64(value)), nil
}

func decodeBool(value []byte) (bool, error) {
	if len(value) != 1 {
		return false, ErrResultMismatch
	}
	return value[0] != 0, nil
}
