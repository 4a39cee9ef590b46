// Plainserver is the reference of the fan-out benchmark: go-control-plane as documented, with a
// LinearCache of ECDS resources behind the library's server. The resources equal those of wasm-xds.
//
// Plainserver prints the server's address and then reads a command from each line of the standard
// input. `edit NAME CONFIG` replaces a filter's configuration, `goroutines` prints the number of
// goroutines. The end of the input ends the process.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	extensionv3 "github.com/envoyproxy/go-control-plane/envoy/service/extension/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

func main() {
	filters := flag.String("filters", "", "names of the filters, separated by commas")
	module := flag.String("module", "", "path of their module")
	config := flag.String("config", "", "their first configuration")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, strings.Split(*filters, ","), *module, *config); err != nil {
		fmt.Fprintln(os.Stderr, "plainserver:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer, filters []string, modulePath, config string) error {
	module, err := os.ReadFile(modulePath)
	if err != nil {
		return err
	}
	resources := map[string]types.Resource{}
	for _, name := range filters {
		if resources[name], err = resource(name, config, module); err != nil {
			return err
		}
	}
	linear := cache.NewLinearCache(resourcev3.ExtensionConfigType, cache.WithInitialResources(resources))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	// The options of go-control-plane's own example.
	g := grpc.NewServer(
		grpc.MaxConcurrentStreams(1_000_000),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 5 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 30 * time.Second, PermitWithoutStream: true}),
	)
	s := server.NewServer(ctx, linear, nil)
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(g, s)
	extensionv3.RegisterExtensionConfigDiscoveryServiceServer(g, s)
	ended := make(chan error, 1)
	go func() { ended <- g.Serve(listener) }()
	defer func() {
		g.Stop()
		<-ended
	}()
	fmt.Fprintln(out, listener.Addr())
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		switch words := strings.Fields(lines.Text()); words[0] {
		case "edit":
			r, err := resource(words[1], words[2], module)
			if err != nil {
				return err
			}
			if err := linear.UpdateResource(words[1], r); err != nil {
				return err
			}
		case "goroutines":
			fmt.Fprintln(out, runtime.NumGoroutine())
		}
	}
	return lines.Err()
}

// resource returns the filter with inline code, as wasm-xds makes it.
func resource(name, config string, module []byte) (*corev3.TypedExtensionConfig, error) {
	sum := sha256.Sum256(module)
	r := &snapshot.Revision{
		Filter: name, Type: spec.HTTP, Policy: spec.Closed, Config: &config,
		Module: snapshot.Module{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(module))},
		VM:     snapshot.VM{Runtime: "envoy.wasm.runtime.v8"},
	}
	version, _ := translate.ParseVersion("1.40.0")
	code := translate.Code{Variant: translate.Inline, Bytes: module}
	data, err := translate.Marshal(r.Seal(), code, strings.Repeat("0", translate.SaltLen), version)
	if err != nil {
		return nil, err
	}
	t := &corev3.TypedExtensionConfig{}
	return t, proto.Unmarshal(data, t)
}
