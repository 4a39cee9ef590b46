package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	httpwasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/wasm/v3"
	wasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/wasm/v3"
	extensionv3 "github.com/envoyproxy/go-control-plane/envoy/service/extension/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	xdsresource "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

const filterName = "auth"

// plain is go-control-plane as in its documentation: a LinearCache of ECDS resources, and a web
// server for the modules.
type plain struct {
	t       harness.TB
	dir     string
	cache   *cache.LinearCache
	xds     string
	modules *httptest.Server
}

func startPlain(t harness.TB) *plain {
	dir := t.TempDir()
	p := &plain{
		t: t, dir: dir,
		cache:   cache.NewLinearCache(xdsresource.ExtensionConfigType),
		modules: httptest.NewServer(moduleFiles{dir}),
	}
	t.Cleanup(func() {
		p.modules.CloseClientConnections()
		p.modules.Close()
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("%v", err)
	}
	p.xds = listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	grpcServer := grpc.NewServer()
	extensionv3.RegisterExtensionConfigDiscoveryServiceServer(grpcServer, server.NewServer(ctx, p.cache, nil))
	var serving sync.WaitGroup
	serving.Go(func() { _ = grpcServer.Serve(listener) })
	t.Cleanup(func() {
		cancel()
		grpcServer.Stop()
		serving.Wait()
	})
	return p
}

func (p *plain) addresses() (xds, modules string) {
	return p.xds, p.modules.Listener.Addr().String()
}

func (p *plain) publish(module []byte) {
	sha := harness.SHA256(module)
	if err := os.WriteFile(filepath.Join(p.dir, sha+".wasm"), module, 0o644); err != nil {
		p.t.Fatalf("%v", err)
	}
	filter, err := anypb.New(&httpwasmv3.Wasm{Config: &wasmv3.PluginConfig{
		Name:          filterName,
		FailurePolicy: wasmv3.FailurePolicy_FAIL_CLOSED,
		Vm: &wasmv3.PluginConfig_VmConfig{VmConfig: &wasmv3.VmConfig{
			Runtime: "envoy.wasm.runtime.v8",
			Code: &corev3.AsyncDataSource{Specifier: &corev3.AsyncDataSource_Remote{Remote: &corev3.RemoteDataSource{
				Sha256: sha,
				HttpUri: &corev3.HttpUri{
					Uri:              p.modules.URL + "/" + sha + ".wasm",
					HttpUpstreamType: &corev3.HttpUri_Cluster{Cluster: "wasm_xds_modules"},
					Timeout:          durationpb.New(5 * time.Second),
				},
			}}},
		}},
	}})
	if err != nil {
		p.t.Fatalf("%v", err)
	}
	err = p.cache.UpdateResource(filterName, &corev3.TypedExtensionConfig{Name: filterName, TypedConfig: filter})
	if err != nil {
		p.t.Fatalf("%v", err)
	}
}

// moduleFiles is an HTTP server for the modules of the plain control plane.
type moduleFiles struct{ dir string }

func (m moduleFiles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, os.DirFS(m.dir), strings.TrimPrefix(r.URL.Path, "/"))
}
