package doctor

import (
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// typeWasmService is the type of a Wasm service in bootstrap_extensions.
const typeWasmService = "envoy.extensions.wasm.v3.WasmService"

// service is a Wasm service of the bootstrap.
type service struct {
	name string
	node *envoyconfig.Node // the WasmService
}

func servicesOf(c *envoyconfig.Config) []service {
	var all []service
	for _, n := range c.Bootstrap.All("bootstrap_extensions") {
		if name, body := n.Any("typed_config"); name == typeWasmService {
			all = append(all, service{body.Get("config").Scalar("name"), body})
		}
	}
	return all
}

// checkServices looks at the Wasm services of the bootstrap, and compares them with the specs.
func checkServices(e *exam) {
	has := map[string]bool{}
	for _, s := range servicesOf(e.config) {
		has[s.name] = true
		checkService(e, s)
	}
	if !e.options.SpecsKnown {
		return
	}
	for _, s := range e.options.Specs {
		if s.Type == spec.Service && !has[s.Name] {
			e.warn(e.config.Bootstrap, "service_missing", fmt.Sprintf("the spec %q is a service, and the bootstrap_extensions of this Envoy do not have it: no control plane can deliver a service", s.Name),
				"`wasm-xds bootstrap` prints it; put it into the bootstrap and restart Envoy, hot or not")
		}
	}
}

func singletonEdits(n *envoyconfig.Node) []envoyconfig.Edit {
	if n.Has("singleton") {
		return replaceScalar(n.Get("singleton"), "true")
	}
	return insertField(n, "singleton", "true")
}

func checkService(e *exam, s service) {
	vm := s.node.Get("config", "vm_config")
	if s.node.Scalar("singleton") != "true" {
		e.warn(s.node, "service_on_workers", fmt.Sprintf("the service %q is no singleton: each worker of Envoy runs it as well, and the last one to register a queue gets its messages", s.name),
			"set singleton: true", singletonEdits(s.node)...)
	}
	if remote := vm.Get("code", "remote"); remote != nil {
		e.warn(remote, "service_remote", fmt.Sprintf("the code of the service %q is remote: if the module does not come when Envoy starts, Envoy opens its listeners without the service and never tries again", s.name),
			"name a file (code.local.filename), as `wasm-xds bootstrap` does")
	}
	known := e.options.specOf(s.name)
	if known == nil || known.Type != spec.Service {
		return // somebody else's
	}
	if e.config.Node.Get("metadata").Scalar(spec.ServicePrefix+s.name) == "" {
		e.warn(s.node, "service_revision_unknown", fmt.Sprintf("the node's metadata do not have the revision of the service %q, so wasm-xds status cannot say whether this Envoy needs a restart", s.name),
			"write the bootstrap with `wasm-xds bootstrap`, or copy node.metadata from what it prints")
	}
}
