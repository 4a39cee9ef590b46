package proxywasm

// CallForeignFunction calls a function that Envoy has beyond the ABI, such as "verify_signature". It
// returns [ErrNotFound] where Envoy has no function of this name.
func CallForeignFunction(name string, argument []byte) ([]byte, error) {
	return receive(func(address, size *uint32) uint32 {
		return proxyCallForeignFunction(name, text(argument), address, size)
	})
}
