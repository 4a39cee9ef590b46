package dial

import (
	"context"
	"errors"
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Ask names the servers to reach.
type Ask struct {
	Config  *envoyconfig.Config
	XDS     []string // the clusters of the control plane
	Modules string   // the cluster of the module server; "": it is not needed
	// Open reads a file of Envoy's TLS.
	Open func(path string) ([]byte, *spec.Error)
}

// Reach reaches each address of the clusters, and returns the problems. Each address takes some
// seconds at most.
func Reach(ctx context.Context, a Ask) []envoyconfig.Finding {
	var found []envoyconfig.Finding
	for _, name := range a.XDS {
		if c := a.Config.Cluster(name); c != nil {
			ask := func(t target, ctx context.Context) *problem { return t.askXDS(ctx, a.Config.Node) }
			found = append(found, a.cluster(ctx, c, "h2", ask)...)
		}
	}
	if c := a.Config.Cluster(a.Modules); c != nil {
		found = append(found, a.cluster(ctx, c, "http/1.1", target.askModules)...)
	}
	return found
}

// cluster reaches the addresses of a cluster. ask speaks the protocol.
func (a Ask) cluster(ctx context.Context, c *envoyconfig.Cluster, protocol string, ask func(target, context.Context) *problem) []envoyconfig.Finding {
	config, err := reader{a.Open}.client(c, protocol)
	if err != nil {
		severity := envoyconfig.SeverityError
		if errors.Is(err, errElsewhere) {
			severity = envoyconfig.SeverityWarning
		}
		return []envoyconfig.Finding{envoyconfig.At(orNode(c.Node.Get("transport_socket"), c.Node), severity, "tls_unread",
			fmt.Sprintf("the TLS of the cluster %q cannot be tried from here: %s", c.Name, err), "run doctor where Envoy runs, as Envoy's user")}
	}
	var found []envoyconfig.Finding
	all := c.Endpoints()
	for _, at := range all {
		t := target{cluster: c, address: at.Address, tls: config}
		if p := ask(t, ctx); p != nil {
			found = append(found, envoyconfig.At(at.Node, envoyconfig.SeverityError, p.code,
				fmt.Sprintf("%s, to which the cluster %q leads, %s", at.Address, c.Name, p.message), p.hint))
		}
	}
	if len(found) < len(all) { // Envoy goes to the servers that answer
		for i := range found {
			found[i].Severity = envoyconfig.SeverityWarning
		}
	}
	return found
}

func orNode(n, other *envoyconfig.Node) *envoyconfig.Node {
	if n != nil {
		return n
	}
	return other
}
