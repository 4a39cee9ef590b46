package serve

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os/user"
	"strings"
	"syscall"

	"github.com/wasm-xds/wasm-xds/internal/address"
	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/lobby"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/visitor"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// listeners are the open ports of a server.
type listeners struct {
	xds, modules, admin net.Listener
	lobbies             lobbies
}

// lobbies bound the connections of the ports.
type lobbies struct{ xds, modules, admin *lobby.Lobby }

// listen opens all three listeners, or takes the passed listeners. If a listener fails, the server
// does not start.
func listen(cfg *Config) (*listeners, error) {
	l := &listeners{xds: cfg.Passed[PortXDS], modules: cfg.Passed[PortModules], admin: cfg.Passed[PortAdmin]}
	for _, one := range []struct {
		flag, address string
		into          *net.Listener
	}{
		{"--xds-address", cfg.XDSAddress, &l.xds},
		{"--modules-address", cfg.ModulesAddress, &l.modules},
		{"--admin-address", cfg.AdminAddress, &l.admin},
	} {
		if *one.into != nil {
			continue
		}
		listener, err := open(one.address, cfg.Sockets)
		if err != nil {
			l.close()
			return nil, addressProblem(one.flag, one.address, err)
		}
		*one.into = listener
	}
	return l, nil
}

func open(text string, sockets address.Permissions) (net.Listener, error) {
	a, err := address.Parse(text)
	if err != nil {
		return nil, err
	}
	return a.Listen(sockets)
}

// bound bounds the connections of the ports.
func (l *listeners) bound(limits lobby.Limits, report func(api.Limit)) {
	for _, one := range []struct {
		listener *net.Listener
		lobby    **lobby.Lobby
	}{{&l.xds, &l.lobbies.xds}, {&l.modules, &l.lobbies.modules}, {&l.admin, &l.lobbies.admin}} {
		*one.lobby = lobby.New(*one.listener, limits, func(r lobby.Reached) {
			report(api.Limit{
				Name: string(r.Limit), Flag: "--max-" + strings.ReplaceAll(string(r.Limit), "_", "-"),
				Most: r.Most, Address: r.Address,
			})
		})
		*one.listener = *one.lobby
	}
}

// watchVisitors reports clients with the wrong protocol on a port. envoys and admin say whether the
// ports for Envoys and the admin port speak TLS.
func (l *listeners) watchVisitors(envoys, admin bool, report func(api.Visitor)) {
	for _, one := range []struct {
		listener  *net.Listener
		port      string
		speaks    visitor.Protocol
		encrypted bool
	}{
		{&l.xds, "xds", visitor.HTTP2, envoys},
		{&l.modules, "modules", visitor.HTTP1, envoys},
		{&l.admin, "admin", visitor.HTTP1, admin},
	} {
		if one.encrypted {
			one.speaks = visitor.TLS
		}
		*one.listener = visitor.Listen(*one.listener, one.speaks, func(from net.Addr, p visitor.Protocol) {
			report(visitorOf(one.port, one.encrypted, from, p))
		})
	}
}

func (l *listeners) addresses() Addresses {
	return Addresses{XDS: address.Of(l.xds).String(), Modules: address.Of(l.modules).String(), Admin: address.Of(l.admin).String()}
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
func addressProblem(flag, text string, err error) error {
	e := &spec.Error{
		Code: "cannot_listen", Message: fmt.Sprintf("the server cannot listen on %s %s: %s", flag, text, reasonOf(err)),
		Hint: "name another address with " + flag,
	}
	socket, group := strings.HasPrefix(text, "unix:"), user.UnknownGroupError("")
	switch {
	case errors.Is(err, syscall.EADDRINUSE), errors.Is(err, address.ErrLive):
		e.Code, e.Hint = "address_in_use", "end what listens there, perhaps another wasm-xds, or "+e.Hint
	case errors.Is(err, address.ErrNoSocket):
		e.Hint = "move the file away, or " + e.Hint
	case errors.As(err, &group):
		e.Message = fmt.Sprintf("the socket %s cannot have the group %q: this machine has no such group", text, string(group))
		e.Hint = "name an existing group, or its number, with --socket-group"
	case socket && errors.Is(err, fs.ErrNotExist):
		e.Hint = "make the directory first, with systemd by RuntimeDirectory=wasm-xds"
	case socket && errors.Is(err, fs.ErrPermission):
		e.Hint = "this user must be able to write in the directory, and must belong to the group of --socket-group"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		e.Hint = "this machine does not have that address: " + e.Hint
	case errors.Is(err, fs.ErrPermission):
		e.Hint = "ports below 1024 are for root: " + e.Hint
	}
	return e
}

// reasonOf leaves the path of a socket out, which the message has already.
func reasonOf(err error) string {
	for _, known := range []error{address.ErrLive, address.ErrNoSocket} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return reason.Of(err)
}
