module github.com/wasm-xds/wasm-xds/examples/api_key

go 1.26

require github.com/wasm-xds/wasm-xds/examples/envoy/src v0.0.0

replace github.com/wasm-xds/wasm-xds/examples/envoy/src => ../envoy/src
