package sandbox

import (
	"context"

	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
)

// VM is a running module. A VM belongs to one goroutine.
type VM struct {
	*host.VM
	modules  *Modules
	prepared *prepared // nil: the module could not be decoded, or is given back
}

// Close frees the instance, and gives the decoded module back. A second Close does nothing.
func (vm *VM) Close(ctx context.Context) error {
	if vm.prepared == nil {
		return nil
	}
	_, failed := vm.Failed()
	failed = failed || !vm.Alive()
	err := vm.VM.Close(ctx)
	vm.modules.release(vm.prepared, failed)
	vm.prepared = nil
	return err
}
