package translate

import (
	wasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/wasm/v3"
)

// setCapabilities restricts the functions that the module may call; nil capabilities restrict
// nothing. Envoy 1.40 moved the field from the plugin to the VM, and still heeds the old field.
// See docs/RATIONALE.md#why-do-capabilities-always-include-the-callbacks.
func setCapabilities(plugin *wasmv3.PluginConfig, vm *wasmv3.VmConfig, capabilities []string, v Version) {
	if capabilities == nil {
		return
	}
	if restriction := restrict(capabilities); v.Known() && v.has(1, 40) {
		vm.CapabilityRestrictionConfig = restriction
	} else {
		plugin.CapabilityRestrictionConfig = restriction //nolint:staticcheck // the only field that every Envoy has
	}
}

// restrict allows the capabilities and every callback. Envoy's list covers both directions: Envoy
// never calls a callback that is not in the list, and a filter without callbacks lets every request
// pass. In Envoy, an empty list would restrict nothing; the callbacks prevent this too.
func restrict(capabilities []string) *wasmv3.CapabilityRestrictionConfig {
	allowed := make(map[string]*wasmv3.SanitizationConfig)
	for _, name := range callbacks() {
		allowed[name] = &wasmv3.SanitizationConfig{}
	}
	for _, name := range capabilities {
		allowed[name] = &wasmv3.SanitizationConfig{}
	}
	return &wasmv3.CapabilityRestrictionConfig{AllowedCapabilities: allowed}
}

// callbacks are the module's functions that Envoy 1.36 to 1.40 looks up if they are allowed. malloc
// and the entry points need no permission.
func callbacks() []string {
	return []string{
		"proxy_on_configure",
		"proxy_on_context_create",
		"proxy_on_delete",
		"proxy_on_done",
		"proxy_on_downstream_connection_close",
		"proxy_on_downstream_data",
		"proxy_on_foreign_function",
		"proxy_on_grpc_close",
		"proxy_on_grpc_receive",
		"proxy_on_grpc_receive_initial_metadata",
		"proxy_on_grpc_receive_trailing_metadata",
		"proxy_on_http_call_response",
		"proxy_on_log",
		"proxy_on_new_connection",
		"proxy_on_queue_ready",
		"proxy_on_request_body",
		"proxy_on_request_headers",
		"proxy_on_request_metadata",
		"proxy_on_request_trailers",
		"proxy_on_response_body",
		"proxy_on_response_headers",
		"proxy_on_response_metadata",
		"proxy_on_response_trailers",
		"proxy_on_tick",
		"proxy_on_upstream_connection_close",
		"proxy_on_upstream_data",
		"proxy_on_vm_start",
		"proxy_validate_configuration",
	}
}
