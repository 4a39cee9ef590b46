package spec

// ServicePrefix and the name of a service are the key of a node's metadata with the revision of the
// service that an Envoy runs. `wasm-xds bootstrap` writes it, because nothing else tells.
const ServicePrefix = "wasm_xds_service/"

// notOfServices are the fields without a meaning for a service, with the reasons.
var notOfServices = []struct{ field, hint string }{
	{"failurePolicy", "remove it: Envoy does not start without its service, whatever the policy, and no request goes through a service"},
	{"reloadBackoff", "remove it: Envoy does not start a service again after a trap"},
	{"allowOnHeadersStopIteration", "remove it: a service sees no headers"},
	{"delivery", "remove it: the module of a service is in Envoy's bootstrap"},
	{"rollout", "remove it: an Envoy takes another revision of a service only when it restarts"},
	{"nodes", "remove it: an Envoy runs the services of its bootstrap"},
	{"onRemove", "remove it: an Envoy runs the services of its bootstrap until it ends"},
	{"disabled", "remove it, or the spec: an Envoy runs the services of its bootstrap"},
	{"acceptLoss", "remove it: a service gets what its bootstrap says"},
	{"capabilities", "remove it: the field of a bootstrap for it depends on the version of Envoy, which is not known beforehand"},
}

// checkService checks the rules of type service.
func checkService(d *decoder, root *node) {
	for _, one := range notOfServices {
		if key := d.seen[one.field]; key != nil {
			d.fail(&Error{
				Code: CodeConflict, Message: one.field + " has no meaning for type service",
				Hint: one.hint, Pos: key.pos,
			})
		}
	}
	if d.seen["vm"] == nil || !d.has("vm.id") {
		d.fail(&Error{
			Code: CodeMissingField, Message: "vm.id is missing: filters find the queues of a service by its vm.id",
			Hint: "give the service and its filters the same id, as in vm: {id: traffic}", Pos: root.pos,
		})
	}
}
