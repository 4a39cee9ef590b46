// Package connect has the flags for the name of a running server, and makes clients for servers.
//
// server.go reads the files of a server, contexts.go keeps the user's servers under names, and
// connect.go has the flags. A flag counts before the context. With an address, the current context
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
	f.String(contextFlag, "", "`name` of the context that has the address, the certificates and the token (default the current context)")
	f.String(caFlag, "", "PEM `file` with the CA of the server's certificate (default the CAs of this machine)")
	f.String(certFlag, "", "PEM `file` with the certificate that the server sees")
	f.String(keyFlag, "", "PEM `file` with the key of that certificate")
	f.String(tokenFlag, "", "`file` with the token for the server, or the server's own file of tokens (default the token in $WASM_XDS_ADMIN_TOKEN)")
	_ = c.RegisterFlagCompletionFunc(contextFlag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return CompleteContexts()
	}) // fails only for a missing flag
}

// Client returns a client for the server in the flags of a command, or else in the current context.
// Client connects to nothing yet.
func Client(c *cobra.Command) (apiclient.Client, error) {
	context, err := contextOf(c)
	if err != nil {
		return apiclient.Client{}, err
	}
	s := context.server()
	s.tokenOfContext = !c.Flags().Changed(tokenFlag)
	if s.address == "" {
		s.address = c.Flags().Lookup(addressFlag).Value.String()
	}
	for name, into := range map[string]*string{caFlag: &s.caFile, certFlag: &s.certFile, keyFlag: &s.keyFile, tokenFlag: &s.tokenFile} {
		if f := c.Flags().Lookup(name); f.Changed {
			*into = f.Value.String()
		}
	}
	if err := apiclient.CheckAddress(s.address); err != nil {
		return apiclient.Client{}, command.Usage(c, fmt.Sprintf("invalid --%s %q: %s", addressFlag, s.address, err))
	}
	config, err := s.config()
	return apiclient.New(config), err
}

// contextOf returns the context in the flags of a command, or else the current context. The zero
// value means the flag of the address counts. The command line counts before the environment.
func contextOf(c *cobra.Command) (Context, error) {
	name, hasAddress := c.Flags().Lookup(contextFlag).Value.String(), c.Flags().Changed(addressFlag)
	if name != "" && hasAddress {
		typed := command.OnCommandLine(c, contextFlag)
		if typed == command.OnCommandLine(c, addressFlag) {
			return Context{}, command.Usage(c, fmt.Sprintf("--%s and --%s exclude each other: a context has an address", contextFlag, addressFlag))
		}
		hasAddress = !typed
	}
	if hasAddress {
		return Context{}, nil
	}
	all, err := ReadContexts()
	if err != nil {
		return Context{}, err
	}
	if name == "" {
		current, _ := all.Find(all.Current)
		return current, nil
	}
	named, known := all.Find(name)
	if !known {
		return Context{}, all.unknown(name)
	}
	return named, nil
}
