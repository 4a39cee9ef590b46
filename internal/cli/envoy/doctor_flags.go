package envoy

import (
	"errors"
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// doctorFlags are the flags of doctor.
type doctorFlags struct {
	specs          string
	modulesCluster string
	envoy          string
	server         string // "": the control plane is not reached
	output         *string
}

// ofContext is the value of --server without an address.
const ofContext = "context"

// readConfiguration reads a file of an Envoy's configuration.
func readConfiguration(path string) ([]byte, *spec.Error) {
	fail := func(message string) ([]byte, *spec.Error) {
		return nil, &spec.Error{Code: "cannot_read", Message: message, Hint: "name the file that Envoy gets with -c", Pos: spec.Position{File: path}}
	}
	text, err := regular.Read(path, envoyconfig.MaxFileSize)
	switch {
	case errors.Is(err, regular.ErrNotRegular):
		return fail("this is no file")
	case errors.Is(err, regular.ErrTooLarge):
		return fail(fmt.Sprintf("the file has more than %d bytes", envoyconfig.MaxFileSize))
	case err != nil:
		return fail("cannot be read: " + reason.Of(err))
	}
	return text, nil
}
