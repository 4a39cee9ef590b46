package dev

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// tries are the addresses for the requests to try.
type tries struct{ http, tcp, admin string }

// print prints requests to try with the live filters.
func (t tries) print(w io.Writer, v *view.View) {
	var b strings.Builder
	b.WriteString("\nEvery filter is live:\n\n")
	view.PrintFilters(&b, &view.View{Filters: v.Filters})
	b.WriteString(aboutServices(v.Filters))
	b.WriteString("\nTry, in another terminal:\n\n")
	table := display.Table(&b)
	try := func(command, says string) { fmt.Fprintf(table, "  %s\t# %s\n", command, says) }
	url := "http://" + t.http
	types, files := map[string]bool{}, map[string]string{}
	for i := range v.Filters {
		types[v.Filters[i].Type] = true
		files[v.Filters[i].Name] = v.Filters[i].SpecFile
	}
	prime, hello := files["prime_token"] != "", files["hello"] != ""
	if prime {
		try("curl -i -H 'token: 7' "+url+"/", "7 is a prime: 200, Welcome to WASM land")
		try("curl -i -H 'token: 8' "+url+"/", "8 is not: 403, Access forbidden.")
	} else if types["http"] {
		try("curl -i "+url+"/echo", "the answer, and the headers that the upstream got")
	}
	if types["network"] {
		try("curl http://"+t.tcp+"/", "a TCP stream through the network filter, which logs below")
	}
	if hello {
		try("$EDITOR "+relative(files["hello"]), "change config, save, and look at the header hello: live at once")
	}
	try(relative(os.Args[0])+" status --watch --admin-address "+t.admin, "what runs where")
	_ = table.Flush() // a strings.Builder never fails
	if command.IsSocket(t.admin) {
		b.WriteString("\nCtrl-C ends it all.\n\n")
	} else {
		fmt.Fprintf(&b, "\nOr see http://%s/ in a browser. Ctrl-C ends it all.\n\n", t.admin)
	}
	_, _ = io.WriteString(w, b.String()) // a closed output is not reported
}

// aboutServices says that services do not run in the Envoy of dev; "": there are none.
func aboutServices(filters []api.Filter) string {
	var names []string
	for i := range filters {
		if f := &filters[i]; f.Type == string(spec.Service) && hasSpec(f) {
			names = append(names, terminal.Printable(f.Name))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("\nThis Envoy runs no services: %s. See wasm-xds bootstrap.\n", strings.Join(names, ", "))
}
