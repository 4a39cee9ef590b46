package proxywasm

import (
	"encoding/binary"
	"strings"
)

// Property is the value of an attribute of Envoy, such as Property("source", "address"). The parts of
// the path are those that Envoy documents with dots between them. Texts are as they are, numbers have
// 8 bytes in little-endian order, booleans have one byte. It returns [ErrNotFound] where there is none.
func Property(path ...string) ([]byte, error) {
	joined := strings.Join(path, "\x00")
	return receive(func(address, size *uint32) uint32 { return proxyGetProperty(joined, address, size) })
}

// StringProperty is the value of an attribute that is a text.
func StringProperty(path ...string) (string, error) {
	value, err := Property(path...)
	return string(value), err
}

// IntProperty is the value of an attribute that is a number, such as response.code. It returns
// [ErrResultMismatch] where the value has another size.
func IntProperty(path ...string) (int64, error) {
	value, err := Property(path...)
	if err != nil {
		return 0, err
	}
	return decodeInt(value)
}

// BoolProperty is the value of an attribute that is true or false, such as connection.mtls. It returns
// [ErrResultMismatch] where the value has another size.
func BoolProperty(path ...string) (bool, error) {
	value, err := Property(path...)
	if err != nil {
		return false, err
	}
	return decodeBool(value)
}

// SetProperty sets a property of the stream, as filter state of Envoy. The filters behind this one find
// it under the name "wasm." and the path.
func SetProperty(value []byte, path ...string) error {
	return asError(proxySetProperty(strings.Join(path, "\x00"), text(value)))
}

// RootID is the root id of the plugin, as its configuration says.
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
