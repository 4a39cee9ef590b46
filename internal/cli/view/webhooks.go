package view

import (
	"fmt"
	"io"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// printWebhooks prints the receivers that do not take their messages.
func printWebhooks(w io.Writer, webhooks []api.Webhook, now time.Time) {
	for i := range webhooks {
		one := &webhooks[i]
		if one.Error == nil {
			continue
		}
		waiting := ""
		if !one.OldestAt.IsZero() {
			waiting = fmt.Sprintf("; messages wait: %d, for up to %s", one.Waiting, now.Sub(one.OldestAt).Truncate(time.Second))
		}
		fmt.Fprintf(w, "\nwebhook %s: %s%s\n  hint: %s\n", terminal.Printable(one.Receiver), terminal.Printable(one.Error.Message), waiting,
			terminal.Printable(one.Error.Hint))
	}
}
