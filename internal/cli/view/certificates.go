package view

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// left is the time until the end of a certificate, in days or in minutes.
func left(d time.Duration) string {
	if d < 24*time.Hour {
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func expired(c *api.Certificate, now time.Time) bool {
	return !c.NotAfter.IsZero() && !now.Before(c.NotAfter)
}

// printCertificates prints the certificates that need a look.
func printCertificates(w io.Writer, certificates []api.Certificate, now time.Time) {
	for i := range certificates {
		c := &certificates[i]
		ports, from, hint := strings.Join(c.Ports, " and "), c.File, "put a new certificate and its key there"
		if c.Socket != "" {
			from, hint = c.Socket, "look at the log of the SPIFFE agent, and whether the agent reaches its server"
		}
		from = terminal.Printable(from)
		end := c.NotAfter.Format(time.DateTime) + " UTC"
		switch {
		case c.NotAfter.IsZero(): // the error says why
		case expired(c, now):
			fmt.Fprintf(w, "\n%s: the certificate of %s has expired on %s\n  hint: %s\n", from, ports, end, hint)
		case c.EndsSoon(now):
			fmt.Fprintf(w, "\n%s: the certificate of %s expires in %s, on %s\n  hint: %s\n", from, ports, left(c.NotAfter.Sub(now)), end, hint)
		}
		if c.Error != nil {
			fmt.Fprintf(w, "\n%s: %s\n  hint: %s\n", ports, terminal.Printable(c.Error.Message), terminal.Printable(c.Error.Hint))
		}
	}
}
