package hotload

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	httpwasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/wasm/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	wasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/wasm/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
)

// listenerUpdate is the side without ECDS. Each swap replaces the listener, which has the filter
// inside. Envoy reads the listener from the bootstrap's LDSPath.
func listenerUpdate(t harness.TB, dir, upstream string, boot harness.Bootstrap) *side {
	t.Helper()
	d := &side{name: ldsSide, port: harness.FreePort(t)}
	listener := boot.Listener(t, harness.HTTPListener{
		Name: ldsSide, Port: d.port, Upstream: upstream, Filters: harness.Filters(ldsSide),
	})
	d.prepare = func(module []byte, n int) (suite.Replacement, error) {
		path := modulePath(dir, ldsSide, n)
		if err := errors.Join(os.MkdirAll(filepath.Dir(boot.LDSPath), 0o755), os.WriteFile(path, module, 0o644)); err != nil {
			return suite.Replacement{}, err
		}
		text, err := listenerResponse(listener, path, n)
		if err != nil {
			return suite.Replacement{}, err
		}
		return suite.Prepare(boot.LDSPath, text)
	}
	return d
}

// listenerResponse returns a discovery response with the listener. The first HTTP filter gets the
// module at a path.
func listenerResponse(listener *listenerv3.Listener, module string, n int) ([]byte, error) {
	filter := listener.GetFilterChains()[0].GetFilters()[0]
	var manager hcmv3.HttpConnectionManager
	if err := filter.GetTypedConfig().UnmarshalTo(&manager); err != nil {
		return nil, err
	}
	wasm, err := anypb.New(&httpwasmv3.Wasm{Config: &wasmv3.PluginConfig{
		Name:          ldsSide,
		FailurePolicy: wasmv3.FailurePolicy_FAIL_CLOSED,
		Vm: &wasmv3.PluginConfig_VmConfig{VmConfig: &wasmv3.VmConfig{
			Runtime: "envoy.wasm.runtime.v8",
			Code: &corev3.AsyncDataSource{Specifier: &corev3.AsyncDataSource_Local{
				Local: &corev3.DataSource{Specifier: &corev3.DataSource_Filename{Filename: module}},
			}},
		}},
	}})
	if err != nil {
		return nil, err
	}
	manager.GetHttpFilters()[0].ConfigType = &hcmv3.HttpFilter_TypedConfig{TypedConfig: wasm}
	packed, err := anypb.New(&manager)
	if err != nil {
		return nil, err
	}
	filter.ConfigType = &listenerv3.Filter_TypedConfig{TypedConfig: packed}
	resource, err := anypb.New(listener)
	if err != nil {
		return nil, err
	}
	return protojson.Marshal(&discoveryv3.DiscoveryResponse{
		VersionInfo: strconv.Itoa(n), TypeUrl: resource.GetTypeUrl(), Resources: []*anypb.Any{resource},
	})
}
