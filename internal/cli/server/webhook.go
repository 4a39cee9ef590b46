package server

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/build"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/internal/webhook"
)

func newWebhook() *cobra.Command {
	c := &cobra.Command{
		Use:     "webhook COMMAND",
		Short:   "Try the webhooks of a server",
		Long:    "Webhook has the commands about the URLs of serve --webhook. wasm-xds status shows a webhook that fails.",
		Example: "  wasm-xds webhook test",
		Args:    command.NoSuchCommand,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newWebhookTest())
	return c
}

func newWebhookTest() *cobra.Command {
	c := &cobra.Command{
		Use:   "test [URL]",
		Short: "Send a signed test message, and print the outcome",
		Long: `Test has a running server send a test message to each of its webhooks, or to the one with the
URL, and prints the outcomes. The message has the type test and is signed like every other
message. It is sent once. Messages that wait stay as they are.

With --direct, this command itself sends the message to the URL, so that a receiver can be
tried before a server has it. The flags for the secrets and the CAs are those of serve.

The exit code is 1 if a receiver has not taken the message.`,
		Example: `  wasm-xds webhook test
  wasm-xds webhook test https://hooks.example.com/wasm-xds
  wasm-xds webhook test https://hooks.example.com/wasm-xds --direct --webhook-secret-file secrets`,
		Args: command.Arguments(0, 1, "the URL of a webhook"),
	}
	var cfg webhook.Config
	direct := c.Flags().Bool("direct", false, "send the message from this machine, without a server")
	command.Action(c.Flags(), "direct")
	c.Flags().StringVar(&cfg.SecretFile, "webhook-secret-file", "", "with --direct: `file` with the secrets that sign the message, as of serve")
	c.Flags().StringVar(&cfg.CAFile, "webhook-ca-file", "", "with --direct: PEM `file` with further CAs of the URL, as of serve")
	question[[]api.WebhookTest]{
		Ask: func(ctx context.Context, server apiclient.Client, args []string) (*[]api.WebhookTest, error) {
			if *direct && len(args) == 0 {
				return nil, command.Usage(c, "--direct needs the URL of a webhook")
			}
			outcomes, err := testWebhooks(ctx, server, args, *direct, cfg)
			if err != nil {
				return nil, err
			}
			for i := range outcomes {
				if !outcomes[i].Taken {
					return &outcomes, command.ErrReported
				}
			}
			return &outcomes, nil
		},
		print: printWebhookTests,
	}.addTo(c)
	return c
}

// testWebhooks sends the messages through the server, or with direct without a server.
func testWebhooks(ctx context.Context, server apiclient.Client, args []string, direct bool, cfg webhook.Config) ([]api.WebhookTest, error) {
	if !direct {
		url := ""
		if len(args) > 0 {
			url = args[0]
		}
		return server.TestWebhooks(ctx, url)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	cfg.URLs = args
	return webhook.TestOnce(ctx, cfg, api.WebhookServer{Host: host, Version: build.Now().Version}, "")
}

func printWebhookTests(w io.Writer, outcomes *[]api.WebhookTest) {
	for _, one := range *outcomes {
		signed := "with a signature"
		if !one.Signed {
			signed = "without a signature"
		}
		name, took := terminal.Printable(one.Receiver), time.Duration(one.Milliseconds)*time.Millisecond
		if one.Taken {
			fmt.Fprintf(w, "%s has taken the test message: %s, %s, after %s\n", name, terminal.Printable(one.Status), signed, took)
			continue
		}
		fmt.Fprintf(w, "%s has not taken the test message, %s, after %s: %s\n  hint: %s\n",
			name, signed, took, terminal.Printable(one.Error.Message), terminal.Printable(one.Error.Hint))
	}
}
