package translate

import (
	"fmt"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	httpwasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/wasm/v3"
	networkwasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/wasm/v3"
	wasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/wasm/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// message is a filter config: a protobuf message with a validation method.
type message interface {
	proto.Message
	ValidateAll() error
}

// Resource returns the resource of a revision. code says how this Envoy gets the module. salt makes
// the bytes differ from all others with the same meaning. v is the Envoy's version. The result
// shares code.Bytes, so do not change them. An error means no Envoy could accept the resource.
func Resource(r *snapshot.Revision, code Code, salt string, v Version) (*corev3.TypedExtensionConfig, error) {
	filter, err := filterConfig(r, code, salt, v)
	if err != nil {
		return nil, fmt.Errorf("filter %q: %w", r.Filter, err)
	}
	typed, err := pack(filter)
	if err != nil {
		return nil, fmt.Errorf("filter %q: %w", r.Filter, err)
	}
	resource := &corev3.TypedExtensionConfig{Name: r.Filter, TypedConfig: typed}
	if err := resource.ValidateAll(); err != nil {
		return nil, fmt.Errorf("filter %q: %w", r.Filter, err)
	}
	return resource, nil
}

// Marshal returns the bytes of [Resource] for an xDS response: the value of an Any of type
// TypedExtensionConfig.
func Marshal(r *snapshot.Revision, code Code, salt string, v Version) ([]byte, error) {
	resource, err := Resource(r, code, salt, v)
	if err != nil {
		return nil, err
	}
	return marshal(resource)
}

func filterConfig(r *snapshot.Revision, code Code, salt string, v Version) (message, error) {
	plugin, err := pluginConfig(r, code, salt, v)
	if err != nil {
		return nil, err
	}
	var filter message
	switch r.Type {
	case spec.HTTP:
		filter = &httpwasmv3.Wasm{Config: plugin}
	case spec.Network:
		filter = &networkwasmv3.Wasm{Config: plugin}
	default:
		return nil, fmt.Errorf("unknown filter type %q", r.Type)
	}
	if err := filter.ValidateAll(); err != nil {
		return nil, err
	}
	return filter, nil
}

func pluginConfig(r *snapshot.Revision, code Code, salt string, v Version) (*wasmv3.PluginConfig, error) {
	vm, err := vmConfig(r, code, salt, v)
	if err != nil {
		return nil, err
	}
	configuration, err := packConfig(r.Config, r.ConfigType)
	if err != nil {
		return nil, fmt.Errorf("plugin configuration: %w", err)
	}
	plugin := &wasmv3.PluginConfig{
		Name:          r.Filter,
		RootId:        r.RootID,
		Vm:            &wasmv3.PluginConfig_VmConfig{VmConfig: vm},
		Configuration: configuration,
	}
	if err := setFailurePolicy(plugin, r, v); err != nil {
		return nil, err
	}
	if stop := r.AllowOnHeadersStopIteration; stop != nil && v.has(1, 35) {
		plugin.AllowOnHeadersStopIteration = wrapperspb.Bool(*stop)
	}
	setCapabilities(plugin, vm, r.Capabilities, v)
	return plugin, nil
}

// setFailurePolicy sets failure_policy, or the equivalent for an Envoy without this field. Such an
// Envoy cannot reload and must not open, so reload means closed.
// [snapshot.Revision.Losses] lists this loss.
func setFailurePolicy(plugin *wasmv3.PluginConfig, r *snapshot.Revision, v Version) error {
	if !v.has(1, 33) {
		plugin.FailOpen = r.Policy == spec.Open //nolint:staticcheck // the Envoy knows no newer field
		return nil
	}
	switch r.Policy {
	case spec.Closed:
		plugin.FailurePolicy = wasmv3.FailurePolicy_FAIL_CLOSED
	case spec.Open:
		plugin.FailurePolicy = wasmv3.FailurePolicy_FAIL_OPEN
	case spec.Reload:
		plugin.FailurePolicy = wasmv3.FailurePolicy_FAIL_RELOAD
		if r.Backoff > 0 {
			// max_interval stays unset: Envoy's default is ten times the base interval.
			plugin.ReloadConfig = &wasmv3.ReloadConfig{
				Backoff: &corev3.BackoffStrategy{BaseInterval: durationpb.New(r.Backoff)},
			}
		}
	default:
		return fmt.Errorf("unknown failure policy %q", r.Policy)
	}
	return nil
}
