package view

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// soon is the time before the end of a certificate from which status warns. Certificates of 90 days
// are usually replaced a month before their end.
const soon = 14 * 24 * time.Hour

func expired(c *api.Certificate, now time.Time) bool { return !now.Before(c.NotAfter) }

// printCertificates prints the certificates that need a look.
func printCertificates(w io.Writer, certificates []api.Certificate, now time.Time) {
	for i := range certificates {
		c := &certificates[i]
		ports, file := strings.Join(c.Ports, " and "), terminal.Printable(c.File)
		end := c.NotAfter.Format(time.DateTime) + " UTC"
		switch {
		case expired(c, now):
			fmt.Fprintf(w, "\n%s: the certificate of %s has expired on %s\n  hint: put a new certificate and its key there\n", file, ports, end)
		case c.NotAfter.Sub(now) < soon:
			fmt.Fprintf(w, "\n%s: the certificate of %s expires in %d days, on %s\n  hint: put a new certificate and its key there\n",
				file, ports, int(c.NotAfter.Sub(now).Hours()/24), end)
		}
		if c.Error != nil {
			fmt.Fprintf(w, "\n%s: %s\n  hint: %s\n", ports, terminal.Printable(c.Error.Message), terminal.Printable(c.Error.Hint))
		}
	}
}
