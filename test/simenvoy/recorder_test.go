package simenvoy_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	httpwasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/wasm/v3"
	wasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/wasm/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	extensionv3 "github.com/envoyproxy/go-control-plane/envoy/service/extension/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

const filterType = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"

// recorder is an xDS server that plays a script. The recorder answers each requested name with
// the first version and pushes further versions on demand. Each request becomes one line of the
// record.
type recorder struct {
	extensionv3.UnimplementedExtensionConfigDiscoveryServiceServer
	t       *testing.T
	address string

	mu      sync.Mutex
	streams []*recorded
}

// recorded is the record of a stream.
type recorded struct {
	delta    bool
	end      context.CancelFunc
	requests []string
	names    map[string]bool
	accepted map[string]bool // ACKed versions
	refused  map[string]bool
	node     *corev3.Node // from the first request
	nodes    int          // number of requests with a node
	push     chan []resource
}

// resource is a version of a filter. Versions with the prefix "bad" do not load.
type resource struct{ name, version string }

func startRecorder(t *testing.T) *recorder {
	t.Helper()
	r := &recorder{t: t, address: harness.Loopback(harness.FreePort(t))}
	listener := harness.Listen(t, r.address)
	g := grpc.NewServer(grpc.MaxRecvMsgSize(64 << 20))
	extensionv3.RegisterExtensionConfigDiscoveryServiceServer(g, r)
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(g, adsRecorder{r: r})
	var serving sync.WaitGroup
	serving.Go(func() { _ = g.Serve(listener) })
	t.Cleanup(func() {
		g.Stop()
		serving.Wait()
	})
	return r
}

type adsRecorder struct {
	discoveryv3.UnimplementedAggregatedDiscoveryServiceServer
	r *recorder
}

func (a adsRecorder) StreamAggregatedResources(s discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesServer) error {
	return a.r.sotw(s)
}

func (a adsRecorder) DeltaAggregatedResources(s discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesServer) error {
	return a.r.delta(s)
}

func (r *recorder) StreamExtensionConfigs(s extensionv3.ExtensionConfigDiscoveryService_StreamExtensionConfigsServer) error {
	return r.sotw(s)
}

func (r *recorder) DeltaExtensionConfigs(s extensionv3.ExtensionConfigDiscoveryService_DeltaExtensionConfigsServer) error {
	return r.delta(s)
}

func (r *recorder) open(ctx context.Context, delta bool) (*recorded, context.Context) {
	st := &recorded{delta: delta, names: map[string]bool{}, accepted: map[string]bool{}, refused: map[string]bool{}, push: make(chan []resource, 100)}
	ctx, st.end = context.WithCancel(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.streams = append(r.streams, st)
	return st, ctx
}

// talk passes requests to take and sends the pushed resources. At most one answer is due at a
// time.
func talk[Req any](ctx context.Context, recv func() (Req, error), take func(Req) (answered string), push <-chan []resource, send func([]resource, string) error) error {
	requests := make(chan Req)
	go func() {
		defer close(requests)
		for {
			req, err := recv()
			if err != nil {
				return
			}
			select {
			case requests <- req:
			case <-ctx.Done():
				return
			}
		}
	}()
	sent, outstanding := 0, ""
	for {
		next := push
		if outstanding != "" {
			next = nil
		}
		select {
		case <-ctx.Done():
			return status.Error(codes.Unavailable, "cut")
		case req, ok := <-requests:
			if !ok {
				return nil
			}
			if nonce := take(req); nonce != "" && nonce == outstanding {
				outstanding = ""
			}
		case several := <-next:
			sent++
			outstanding = fmt.Sprint("n", sent)
			if err := send(several, outstanding); err != nil {
				return err
			}
		}
	}
}

func (r *recorder) delta(s interface {
	grpc.ServerStream
	Send(*discoveryv3.DeltaDiscoveryResponse) error
	Recv() (*discoveryv3.DeltaDiscoveryRequest, error)
},
) error {
	st, ctx := r.open(s.Context(), true)
	versions := map[string][]string{} // by nonce
	take := func(req *discoveryv3.DeltaDiscoveryRequest) string {
		r.mu.Lock()
		defer r.mu.Unlock()
		line := "subscribe=" + list(req.GetResourceNamesSubscribe()) + " unsubscribe=" + list(req.GetResourceNamesUnsubscribe()) +
			" initial=" + list(pairs(req.GetInitialResourceVersions()))
		st.note(line, req.GetNode(), req.GetTypeUrl(), req.GetResponseNonce(), versions, req.GetErrorDetail() != nil, req.GetErrorDetail().GetMessage())
		for _, name := range req.GetResourceNamesSubscribe() {
			st.subscribe(name, req.GetInitialResourceVersions()[name])
		}
		return req.GetResponseNonce()
	}
	return talk(ctx, s.Recv, take, st.push, func(several []resource, nonce string) error {
		response := &discoveryv3.DeltaDiscoveryResponse{TypeUrl: filterType, Nonce: nonce}
		for _, one := range several {
			versions[nonce] = append(versions[nonce], one.version)
			response.Resources = append(response.Resources,
				&discoveryv3.Resource{Name: one.name, Version: one.version, Resource: one.config(r.t)})
		}
		return s.Send(response)
	})
}

func (r *recorder) sotw(s interface {
	grpc.ServerStream
	Send(*discoveryv3.DiscoveryResponse) error
	Recv() (*discoveryv3.DiscoveryRequest, error)
},
) error {
	st, ctx := r.open(s.Context(), false)
	versions := map[string][]string{}
	take := func(req *discoveryv3.DiscoveryRequest) string {
		r.mu.Lock()
		defer r.mu.Unlock()
		line := "names=" + list(req.GetResourceNames()) + " version_info=" + req.GetVersionInfo()
		st.note(line, req.GetNode(), req.GetTypeUrl(), req.GetResponseNonce(), versions, req.GetErrorDetail() != nil, req.GetErrorDetail().GetMessage())
		for _, name := range req.GetResourceNames() {
			st.subscribe(name, req.GetVersionInfo())
		}
		return req.GetResponseNonce()
	}
	return talk(ctx, s.Recv, take, st.push, func(several []resource, nonce string) error {
		response := &discoveryv3.DiscoveryResponse{TypeUrl: filterType, Nonce: nonce}
		for _, one := range several {
			versions[nonce] = append(versions[nonce], one.version)
			response.VersionInfo = one.version
			response.Resources = append(response.Resources, one.config(r.t))
		}
		return s.Send(response)
	})
}

func (st *recorded) note(line string, node *corev3.Node, typeURL, nonce string, versions map[string][]string, nack bool, message string) {
	if node != nil {
		st.nodes++
		if st.node == nil {
			st.node = node
		}
	}
	if typeURL == filterType {
		typeURL = "ecds"
	}
	line += " nonce=" + nonce + " type=" + typeURL
	if nack {
		line += " NACK " + message
	}
	st.requests = append(st.requests, line)
	for _, version := range versions[nonce] {
		st.accepted[version] = st.accepted[version] || !nack
		st.refused[version] = st.refused[version] || nack
	}
}

// subscribe answers a name that is new on this stream, unless the client has the resource
// already.
func (st *recorded) subscribe(name, known string) {
	if st.names[name] {
		return
	}
	st.names[name] = true
	if known == "" {
		st.push <- []resource{{name, "v1-" + name}}
	}
}

// config returns the resource. A real Envoy loads the module unless the version begins with
// "bad".
func (one resource) config(t *testing.T) *anypb.Any {
	module := testfilter.HTTP{Stamp: one.version}.Module()
	if strings.HasPrefix(one.version, "bad") {
		module = []byte("\x00asm" + one.version)
	}
	code := &corev3.AsyncDataSource{Specifier: &corev3.AsyncDataSource_Local{Local: &corev3.DataSource{
		Specifier: &corev3.DataSource_InlineBytes{InlineBytes: module},
	}}}
	token, sha, remote := strings.Cut(one.version, " ")
	if remote {
		code = &corev3.AsyncDataSource{Specifier: &corev3.AsyncDataSource_Remote{Remote: &corev3.RemoteDataSource{
			Sha256: sha,
			HttpUri: &corev3.HttpUri{
				Uri: "http://modules.example:80/modules/x.wasm?t=" + token, Timeout: durationpb.New(10 * time.Second),
				HttpUpstreamType: &corev3.HttpUri_Cluster{Cluster: "wasm_xds_modules"},
			},
		}}}
	}
	return pack(t, &corev3.TypedExtensionConfig{Name: one.name, TypedConfig: pack(t, &httpwasmv3.Wasm{
		Config: &wasmv3.PluginConfig{Name: one.name, Vm: &wasmv3.PluginConfig_VmConfig{VmConfig: &wasmv3.VmConfig{
			Runtime: "envoy.wasm.runtime.v8", Code: code, NackOnCodeCacheMiss: remote,
		}}},
	})})
}

func list(values []string) string {
	return "[" + strings.Join(slices.Sorted(slices.Values(values)), " ") + "]"
}

func pairs(versions map[string]string) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(versions)) {
		all = append(all, name+":"+versions[name])
	}
	return all
}
