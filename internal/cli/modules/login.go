package modules

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

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/registry"
)

// maxPassword is longer than any token, in bytes.
const maxPassword = 1 << 20

func newLogin() *cobra.Command {
	var registries fetch.Registries
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
		Args: command.Arguments(1, 1, "a registry, as in registry.example.com or localhost:5000"),
	}
	f := c.Flags()
	f.StringVarP(&user, "username", "u", "", "`name` of the user (default asked for on a terminal)")
	f.BoolVar(&fromStdin, "password-stdin", false, "read the password or token from standard input")
	command.Action(f, "password-stdin")
	registries.AddFlags(f)
	output := command.OutputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		host, err := fetch.Host(c, args[0])
		if err != nil {
			return err
		}
		credential, err := askCredential(c, user, fromStdin)
		if err != nil {
			return err
		}
		client, err := registries.Client()
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
			display.JSON(c.OutOrStdout(), map[string]any{"registry": host, "username": credential.Username, "plaintext": plain})
			return nil
		}
		fmt.Fprintf(c.OutOrStdout(), "logged in to %s as %s\n", host, credential.Username)
		return nil
	}
	return c
}

// logIn verifies the credentials and stores them; plain: they are stored unencrypted.
func logIn(ctx context.Context, client *registry.Client, host string, credential auth.Credential) (plain bool, err error) {
	reg, err := client.Registry(ctx, host, registry.Credentials{})
	if err != nil {
		return false, fetch.Worded(err)
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
		return plain, fetch.Worded(registry.ErrorOfRegistry(host, err))
	}
	return false, nil
}

// askCredential takes the given credentials, and asks for missing parts on a terminal.
func askCredential(c *cobra.Command, user string, fromStdin bool) (auth.Credential, error) {
	in, terminal := c.InOrStdin().(*os.File)
	terminal = terminal && term.IsTerminal(int(in.Fd()))
	if fromStdin {
		if user == "" {
			return auth.Credential{}, command.Usage(c, "--password-stdin needs --username")
		}
		text, err := io.ReadAll(io.LimitReader(c.InOrStdin(), maxPassword))
		if err != nil {
			return auth.Credential{}, fmt.Errorf("read the password: %w", err)
		}
		return credentialOf(c, user, strings.TrimRight(string(text), "\r\n"))
	}
	if !terminal {
		return auth.Credential{}, command.Usage(c, "there is no terminal to ask for the password on: use --username and --password-stdin")
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
		return auth.Credential{}, command.Usage(c, "the user name or the password is empty")
	}
	return auth.Credential{Username: user, Password: password}, nil
}
