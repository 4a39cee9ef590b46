module github.com/wasm-xds/wasm-xds/examples/envoy/src

go 1.26

toolchain go1.26.8
