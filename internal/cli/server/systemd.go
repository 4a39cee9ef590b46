package server

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/address"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/serve"
	"github.com/wasm-xds/wasm-xds/internal/systemd"
)

// codeSystemd is the code of errors in the interface to systemd.
const codeSystemd = "bad_systemd_unit"

// takeFromSystemd takes the open sockets of systemd, and the manager for news of the server.
func takeFromSystemd(c *cobra.Command, cfg *serve.Config) error {
	manager, err := systemd.Find()
	if err != nil {
		return command.Failure(codeSystemd, err.Error(), "look at the unit's WatchdogSec=")
	}
	passed, err := systemd.Listeners(serve.PortXDS, serve.PortModules, serve.PortAdmin)
	if err != nil {
		return command.Failure(codeSystemd, "the sockets of systemd cannot be used: "+err.Error(), "see docs/install.md for the socket units")
	}
	cfg.Manager, cfg.Passed = manager, passed
	for _, one := range []struct {
		port, flag string
		address    *string
	}{
		{serve.PortXDS, "xds-address", &cfg.XDSAddress},
		{serve.PortModules, "modules-address", &cfg.ModulesAddress},
		{serve.PortAdmin, "admin-address", &cfg.AdminAddress},
	} {
		l := passed[one.port]
		if l == nil {
			continue
		}
		own := address.Of(l).String()
		if c.Flags().Changed(one.flag) && own != *one.address {
			closeAll(passed)
			return command.Failure(codeSystemd,
				fmt.Sprintf("systemd has opened %s for %s, and --%s says %s", own, one.port, one.flag, *one.address),
				fmt.Sprintf("leave --%s out and name the address in the socket unit wasm-xds-%s.socket, or stop and mask that unit", one.flag, one.port))
		}
		*one.address = own
	}
	return nil
}

func closeAll(passed map[string]net.Listener) {
	for _, l := range passed {
		_ = l.Close()
	}
}

// notifyHangup returns a channel with the SIGHUPs of this process. A second signal during a reload
// waits for the end, and further signals merge with the second.
func notifyHangup() (<-chan os.Signal, func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	return hangups, func() { signal.Stop(hangups) }
}
