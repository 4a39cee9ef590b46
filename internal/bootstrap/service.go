package bootstrap

import (
	"errors"
	"fmt"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Service is a Wasm service, which Envoy runs from its start to its end.
type Service struct {
	Name string
	// Revision is what the service is made of. The node's metadata have it, so that the control
	// plane knows which revision an Envoy runs.
	Revision string
	// Config is the WasmService as YAML in block style, from column 0 on.
	Config string
}

// ServicePrefix returns the constant [spec.ServicePrefix], for the template.
func (*view) ServicePrefix() string { return spec.ServicePrefix }

func (v *view) setServices(services []Service) error {
	seen := map[string]bool{}
	for _, s := range services {
		switch {
		case s.Name == "" || s.Revision == "" || s.Config == "":
			return errors.New("a service has no name, no revision or no configuration")
		case seen[s.Name]:
			return fmt.Errorf("the service %q is there twice", s.Name)
		}
		seen[s.Name] = true
	}
	v.Services = services
	return nil
}
