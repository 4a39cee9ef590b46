package proxywasm

// CallForeignFunction calls a function of Envoy beyond the ABI, like "verify_signature". The
// error is [ErrNotFound] if Envoy has no function with this name.
func CallForeignFunction(name string, argument []byte) ([]byte, error) {
	return receive(func(address, size *uint32) uint32 {
		return proxyCallForeignFunction(name, text(argument), address, size)
	})
}
