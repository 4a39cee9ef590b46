package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"

	"github.com/wasm-xds/wasm-xds/internal/registry"
)

// maxPassword is longer than any token, in bytes.
const maxPassword = 1 << 20

func newLogin() *cobra.Command {
	var registries registryFlags
	var user string
	var fromStdin bool
	c := &cobra.Command{
		Use:   "login REGISTRY",
		Short: "Log in to a registry",
		Long: `Login asks the registry whether it takes the credentials, and puts them where Docker
has them: into the helper that its configuration names, or the system's, or else
into the configuration file ($DOCKER_CONFIG or ~/.docker) as they are. docker, oras
and cosign use the same place.`,
		Example: `  wasm-xds login registry.example.com -u ann
  echo "$TOKEN" | wasm-xds login ghcr.io -u ann --password-stdin`,
		Args: arguments(1, 1, "a registry, as in registry.example.com or localhost:5000"),
	}
	f := c.Flags()
	f.StringVarP(&user, "username", "u", "", "`name` of the user (default asked for on a terminal)")
	f.BoolVar(&fromStdin, "password-stdin", false, "read the password or token from standard input")
	action(f, "password-stdin")
	registries.addFlags(f)
	output := outputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		host, err := registryHost(c, args[0])
		if err != nil {
			return err
		}
		credential, err := askCredential(c, user, fromStdin)
		if err != nil {
			return err
		}
		client, err := registries.client()
		if err != nil {
			return err
		}
		defer client.Close()
		plain, err := logIn(c.Context(), client, host, credential)
		if err != nil {
			return err
		}
		if plain {
			fmt.Fprintln(c.ErrOrStderr(), "wasm-xds: no credential helper is configured: the password is kept as it is in Docker's configuration file")
		}
		if *output == "json" {
			printJSON(c.OutOrStdout(), map[string]any{"registry": host, "username": credential.Username, "plaintext": plain})
			return nil
		}
		fmt.Fprintf(c.OutOrStdout(), "logged in to %s as %s\n", host, credential.Username)
		return nil
	}
	return c
}

// registryHost reads the name of a registry.
func registryHost(c *cobra.Command, arg string) (string, error) {
	host := strings.TrimSuffix(strings.TrimPrefix(arg, scheme), "/")
	if host == "" || strings.ContainsAny(host, "/@ ") {
		return "", usage(c, fmt.Sprintf("%q is no registry: it is a host or host:port", arg))
	}
	return host, nil
}

// logIn verifies the credentials and stores them; plain: they are stored unencrypted.
func logIn(ctx context.Context, client *registry.Client, host string, credential auth.Credential) (plain bool, err error) {
	reg, err := client.Registry(ctx, host, registry.Credentials{})
	if err != nil {
		return false, worded(err)
	}
	for _, plain := range []bool{false, true} {
		store, err := client.Store(plain)
		if err != nil {
			return false, err
		}
		err = credentials.Login(ctx, store, reg, credential)
		if errors.Is(err, credentials.ErrPlaintextPutDisabled) {
			continue
		}
		return plain, worded(registry.ErrorOfRegistry(host, err))
	}
	return false, nil
}

// askCredential takes the given credentials, and asks for missing parts on a terminal.
func askCredential(c *cobra.Command, user string, fromStdin bool) (auth.Credential, error) {
	in, terminal := c.InOrStdin().(*os.File)
	terminal = terminal && term.IsTerminal(int(in.Fd()))
	if fromStdin {
		if user == "" {
			return auth.Credential{}, usage(c, "--password-stdin needs --username")
		}
		text, err := io.ReadAll(io.LimitReader(c.InOrStdin(), maxPassword))
		if err != nil {
			return auth.Credential{}, fmt.Errorf("read the password: %w", err)
		}
		return credentialOf(c, user, strings.TrimRight(string(text), "\r\n"))
	}
	if !terminal {
		return auth.Credential{}, usage(c, "there is no terminal to ask for the password on: use --username and --password-stdin")
	}
	if user == "" {
		fmt.Fprint(c.ErrOrStderr(), "Username: ")
		line, err := bufio.NewReader(in).ReadString('\n')
		if err != nil {
			return auth.Credential{}, fmt.Errorf("read the user name: %w", err)
		}
		user = strings.TrimSpace(line)
	}
	fmt.Fprint(c.ErrOrStderr(), "Password: ")
	password, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(c.ErrOrStderr())
	if err != nil {
		return auth.Credential{}, fmt.Errorf("read the password: %w", err)
	}
	return credentialOf(c, user, string(password))
}

func credentialOf(c *cobra.Command, user, password string) (auth.Credential, error) {
	if user == "" || password == "" {
		return auth.Credential{}, usage(c, "the user name or the password is empty")
	}
	return auth.Credential{Username: user, Password: password}, nil
}

func newLogout() *cobra.Command {
	c := &cobra.Command{
		Use:   "logout REGISTRY",
		Short: "Forget the credentials for a registry",
		Long: `Logout removes the credentials for a registry from where Docker has them. It exits
with 1 where there are none.`,
		Example: `  wasm-xds logout registry.example.com`,
		Args:    arguments(1, 1, "a registry"),
	}
	output := outputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		host, err := registryHost(c, args[0])
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
			printJSON(c.OutOrStdout(), map[string]string{"registry": host})
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
		return worded(err)
	}
	if found == auth.EmptyCredential {
		return failure("not_logged_in", "there are no credentials for "+host,
			"the Docker configuration ($DOCKER_CONFIG or ~/.docker) lists the registries that have some")
	}
	return worded(credentials.Logout(ctx, store, host))
}
