package modules

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/registry"
)

func newLogout() *cobra.Command {
	c := &cobra.Command{
		Use:   "logout REGISTRY",
		Short: "Forget the credentials for a registry",
		Long: `Logout removes the credentials for a registry from where Docker has them. It exits
with 1 where there are none.`,
		Example: `  wasm-xds logout registry.example.com`,
		Args:    command.Arguments(1, 1, "a registry"),
	}
	output := command.OutputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		host, err := fetch.Host(c, args[0])
		if err != nil {
			return err
		}
		client, err := registry.New(registry.Config{})
		if err != nil {
			return err
		}
		defer client.Close()
		store, err := client.Store(true)
		if err != nil {
			return err
		}
		if err := logOut(c.Context(), store, host); err != nil {
			return err
		}
		if *output == "json" {
			display.JSON(c.OutOrStdout(), map[string]string{"registry": host})
			return nil
		}
		fmt.Fprintf(c.OutOrStdout(), "logged out of %s\n", host)
		return nil
	}
	return c
}

// logOut removes the credentials for a registry. Missing credentials are an error: after a
// mistyped host, nobody must believe that the credentials are gone.
func logOut(ctx context.Context, store credentials.Store, host string) error {
	found, err := store.Get(ctx, credentials.ServerAddressFromRegistry(host))
	if err != nil {
		return fetch.Worded(err)
	}
	if found == auth.EmptyCredential {
		return command.Failure("not_logged_in", "there are no credentials for "+host,
			"the Docker configuration ($DOCKER_CONFIG or ~/.docker) lists the registries that have some")
	}
	return fetch.Worded(credentials.Logout(ctx, store, host))
}
