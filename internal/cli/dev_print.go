package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// printTries prints requests to try with the live filters.
func (o *devOptions) printTries(w io.Writer, v *view) {
	var b strings.Builder
	b.WriteString("\nEvery filter is live:\n\n")
	printFilters(&b, &view{filters: v.filters})
	b.WriteString("\nTry, in another terminal:\n\n")
	table := newTable(&b)
	try := func(command, says string) { fmt.Fprintf(table, "  %s\t# %s\n", command, says) }
	url := "http://" + o.bootstrap.ListenAddress
	types, files := map[string]bool{}, map[string]string{}
	for i := range v.filters {
		types[v.filters[i].Type] = true
		files[v.filters[i].Name] = v.filters[i].SpecFile
	}
	prime, hello := files["prime_token"] != "", files["hello"] != ""
	if prime {
		try("curl -i -H 'token: 7' "+url+"/", "7 is a prime: 200, Welcome to WASM land")
		try("curl -i -H 'token: 8' "+url+"/", "8 is not: 403, Access forbidden.")
	} else if types["http"] {
		try("curl -i "+url+"/echo", "the answer, and the headers that the upstream got")
	}
	if types["network"] {
		try("curl http://"+o.bootstrap.TCPListenAddress+"/", "a TCP stream through the network filter, which logs below")
	}
	if hello {
		try("$EDITOR "+relative(files["hello"]), "change config, save, and look at the header hello: live at once")
	}
	try(relative(os.Args[0])+" status --watch --admin-address "+o.serve.AdminAddress, "what runs where")
	_ = table.Flush() // a strings.Builder never fails
	fmt.Fprintf(&b, "\nOr see http://%s/ in a browser. Ctrl-C ends it all.\n\n", o.serve.AdminAddress)
	_, _ = io.WriteString(w, b.String()) // a closed output is not reported
}

// relative is path as seen from the working directory, if that is shorter.
func relative(path string) string {
	here, err := filepath.Abs(".")
	if err != nil {
		return path
	}
	if short, err := filepath.Rel(here, path); err == nil && len(short) < len(path) {
		return short
	}
	return path
}
