package serve

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/visitor"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// listeners are the open ports of a server.
type listeners struct{ xds, modules, admin net.Listener }

// listen opens all three listeners. If one fails, the server does not start.
func listen(cfg *Config) (*listeners, error) {
	l := &listeners{}
	for _, one := range []struct {
		flag, address string
		into          *net.Listener
	}{
		{"--xds-address", cfg.XDSAddress, &l.xds},
		{"--modules-address", cfg.ModulesAddress, &l.modules},
		{"--admin-address", cfg.AdminAddress, &l.admin},
	} {
		listener, err := net.Listen("tcp", one.address)
		if err != nil {
			l.close()
			return nil, addressProblem(one.flag, one.address, err)
		}
		*one.into = listener
	}
	return l, nil
}

// watchVisitors reports clients that speak the wrong protocol on one of the two ports for Envoy.
func (l *listeners) watchVisitors(report func(api.Visitor)) {
	l.xds = visitor.Listen(l.xds, visitor.HTTP2, func(from net.Addr, p visitor.Protocol) { report(visitorOf("xds", from, p)) })
	l.modules = visitor.Listen(l.modules, visitor.HTTP1, func(from net.Addr, p visitor.Protocol) { report(visitorOf("modules", from, p)) })
}

func (l *listeners) addresses() Addresses {
	return Addresses{XDS: l.xds.Addr().String(), Modules: l.modules.Addr().String(), Admin: l.admin.Addr().String()}
}

// close closes the open listeners. The servers may have closed them already.
func (l *listeners) close() {
	for _, listener := range []net.Listener{l.xds, l.modules, l.admin} {
		if listener != nil {
			_ = listener.Close() // a second close is an error without a meaning
		}
	}
}

// addressProblem explains why the server cannot listen.
func addressProblem(flag, address string, err error) error {
	e := &spec.Error{
		Code: "cannot_listen", Message: fmt.Sprintf("the server cannot listen on %s %s: %s", flag, address, reason.Of(err)),
		Hint: "name another address with " + flag,
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		e.Code, e.Hint = "address_in_use", "end what listens there, perhaps another wasm-xds, or "+e.Hint
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		e.Hint = "this machine does not have that address: " + e.Hint
	case errors.Is(err, fs.ErrPermission):
		e.Hint = "ports below 1024 are for root: " + e.Hint
	}
	return e
}
