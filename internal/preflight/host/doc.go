// Package host is Envoy's side of a running module: the host functions of Proxy-Wasm and of WASI,
// the callbacks of the module, and the streams and connections through the filter.
//
// A [VM] goes through [VM.Instantiate], [VM.Start] and [VM.Configure], as in Envoy. Then it takes
// streams, connections, ticks and answers to its calls. A VM and its streams belong to one
// goroutine.
//
// Each type owns its fields. Read the files in this order:
//
//   - Shared by the functions: config.go, message.go, pairs.go (headers in Proxy-Wasm's form),
//     progress.go (the step of the check), memory.go (all access to the module's memory), budget.go
//     (bytes in the host), log.go, misses.go, targets.go (versions of Envoy), actions.go
//     (the work after a callback), answers.go.
//   - The traffic as data: event.go and half.go (one direction of a message), exchange.go (a
//     request and its response), link.go (a connection), contexts.go (the contexts of Proxy-Wasm).
//   - The host functions, a type for each topic: basics.go, headers.go, buffers.go, properties.go
//     (with propertytypes.go, messageproperties.go and attributes.go), flow.go, calls.go,
//     shared.go, queues.go, metrics.go, foreign.go, wasi.go. Each topic binds the names of its
//     functions, and registry.go asks the topics in turn.
//   - The running module: instance.go (callbacks into the module and calls out of it), dispatch.go
//     (the link to wazero), start.go (Envoy's steps for a new module).
//   - The traffic in motion: open.go, stream.go, connection.go, and vm.go on top.
//
// To add a host function, add its name, signature and versions to internal/preflight/envoy, and its
// name and behaviour to a topic. TestEveryFunctionIsBound finds a function without a topic.
//
// Sources of the facts: proxy-wasm/spec; proxy-wasm-cpp-host's src/exports.cc and src/context.cc;
// Envoy's source/extensions/common/wasm/context.cc. test/filtertests compares properties, statuses
// and the order of callbacks with real Envoys.
package host
