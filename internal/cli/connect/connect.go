// Package connect has the flags for the name of a running server, and makes clients for servers.
//
// server.go reads the files of a server, contexts.go keeps the user's servers under names, and
// connect.go has the flags. A flag counts before the current context. With an address, the context
// counts for nothing: the context's token must not go to another server.
package connect

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
)

// AddFlags adds the flags to a command for a running server.
func AddFlags(c *cobra.Command) {
	f := c.Flags()
	f.String(addressFlag, command.DefaultAdminAddress, "`host:port`, https://host:port or unix:///path of the running server")
	f.String(caFlag, "", "PEM `file` with the CA of the server's certificate (default the CAs of this machine)")
	f.String(certFlag, "", "PEM `file` with the certificate that the server sees")
	f.String(keyFlag, "", "PEM `file` with the key of that certificate")
	f.String(tokenFlag, "", "`file` with the token for the server, or the server's own file of tokens (default the token in $WASM_XDS_ADMIN_TOKEN)")
}

// Client returns a client for the server in the flags of a command, or else in the current context.
// Client connects to nothing yet.
func Client(c *cobra.Command) (apiclient.Client, error) {
	s := server{}
	if !c.Flags().Changed(addressFlag) {
		all, err := ReadContexts()
		if err != nil {
			return apiclient.Client{}, err
		}
		current, _ := all.Find(all.Current)
		s = current.server()
		s.tokenOfContext = !c.Flags().Changed(tokenFlag)
	}
	for name, into := range map[string]*string{
		addressFlag: &s.address, caFlag: &s.caFile, certFlag: &s.certFile, keyFlag: &s.keyFile, tokenFlag: &s.tokenFile,
	} {
		if f := c.Flags().Lookup(name); f.Changed || *into == "" {
			*into = f.Value.String()
		}
	}
	if err := apiclient.CheckAddress(s.address); err != nil {
		return apiclient.Client{}, command.Usage(c, fmt.Sprintf("invalid --%s %q: %s", addressFlag, s.address, err))
	}
	config, err := s.config()
	return apiclient.New(config), err
}
