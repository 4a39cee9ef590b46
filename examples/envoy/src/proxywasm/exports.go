package proxywasm

// The functions of the ABI that Envoy calls. They are thin: vm.go has the logic.

//go:wasmexport proxy_abi_version_0_2_1
func abiVersion() {}

//go:wasmexport proxy_on_vm_start
func onVMStart(context, size uint32) (accepted bool) {
	within(context, func() {
		accepted = vm.accepts(vm.current, size, vmConfiguration, Plugin.OnVMStart)
	})
	return accepted
}

//go:wasmexport proxy_on_configure
func onConfigure(context, size uint32) (accepted bool) {
	within(context, func() {
		accepted = vm.accepts(vm.current, size, pluginConfiguration, Plugin.OnConfigure)
	})
	return accepted
}

//go:wasmexport proxy_on_context_create
func onContextCreate(context, parent uint32) {
	within(context, func() { vm.create(vm.current, ContextID(parent)) })
}

//go:wasmexport proxy_on_tick
func onTick(context uint32) {
	within(context, func() {
		if plugin := vm.plugins[vm.current]; plugin != nil {
			plugin.OnTick()
		}
	})
}

//go:wasmexport proxy_on_queue_ready
func onQueueReady(context, queue uint32) {
	within(context, func() {
		if plugin := vm.plugins[vm.current]; plugin != nil {
			plugin.OnQueueReady(Queue(queue))
		}
	})
}

//go:wasmexport proxy_on_foreign_function
func onForeignFunction(context, function, size uint32) {
	within(context, func() {
		if plugin := vm.plugins[vm.current]; plugin != nil {
			argument, _ := callData.Read(0, int(size)) // without a buffer there is no argument
			plugin.OnForeignFunction(function, argument)
		}
	})
}

//go:wasmexport proxy_on_http_call_response
func onHTTPCallResponse(context, token, headers, bodySize, trailers uint32) {
	within(context, func() {
		vm.answer(token, HTTPResponse{Headers: int(headers), BodySize: int(bodySize), Trailers: int(trailers)})
	})
}

//go:wasmexport proxy_on_done
func onDone(context uint32) (done bool) {
	done = true
	within(context, func() {
		if plugin := vm.plugins[vm.current]; plugin != nil {
			done = plugin.OnDone()
		}
	})
	return done
}

//go:wasmexport proxy_on_log
func onLog(context uint32) {
	within(context, func() {
		if s := vm.streams[vm.current]; s != nil {
			s.end(HTTP.OnLog, Network.OnLog)
		}
	})
}

//go:wasmexport proxy_on_delete
func onDelete(context uint32) {
	within(context, func() { vm.remove(vm.current) })
}
