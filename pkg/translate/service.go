package translate

import (
	"fmt"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	wasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/wasm/v3"
	"github.com/goccy/go-yaml"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Service returns the Wasm service of a revision of type service, for bootstrap_extensions. path is
// the module's file, as Envoy sees it. A bootstrap is written before the version of its Envoy is
// known, so the service has only fields that each supported Envoy has.
func Service(r *snapshot.Revision, path string) (*wasmv3.WasmService, error) {
	if r.Type != spec.Service {
		return nil, fmt.Errorf("%q is of type %s, not a service", r.Filter, r.Type)
	}
	noSalt := strings.Repeat("0", SaltLen) // of no use: nobody compares the bytes of a bootstrap
	plugin, err := pluginConfig(r, Code{Variant: File, Path: path}, noSalt, Version{})
	if err != nil {
		return nil, fmt.Errorf("service %q: %w", r.Filter, err)
	}
	plugin.GetVmConfig().GetCode().GetLocal().WatchedDirectory = nil // the salt
	// A service has one behaviour for each policy: see docs/envoy-behaviour.md.
	plugin.FailurePolicy = wasmv3.FailurePolicy_UNSPECIFIED
	service := &wasmv3.WasmService{Config: plugin, Singleton: true}
	if err := service.ValidateAll(); err != nil {
		return nil, fmt.Errorf("service %q: %w", r.Filter, err)
	}
	return service, nil
}

// Extension is the entry of bootstrap_extensions with [Service].
func Extension(r *snapshot.Revision, path string) (*corev3.TypedExtensionConfig, error) {
	service, err := Service(r, path)
	if err != nil {
		return nil, err
	}
	typed, err := pack(service)
	if err != nil {
		return nil, fmt.Errorf("service %q: %w", r.Filter, err)
	}
	return &corev3.TypedExtensionConfig{Name: "envoy.bootstrap.wasm", TypedConfig: typed}, nil
}

// ServiceYAML is [Service] as YAML in block style, without its type URL.
func ServiceYAML(r *snapshot.Revision, path string) (string, error) {
	service, err := Service(r, path)
	if err != nil {
		return "", err
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(service)
	if err != nil {
		return "", fmt.Errorf("service %q: %w", r.Filter, err)
	}
	block, err := yaml.JSONToYAML(text)
	if err != nil {
		return "", fmt.Errorf("service %q: %w", r.Filter, err)
	}
	return string(block), nil
}
