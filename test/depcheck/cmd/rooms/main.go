// Command rooms prints the order inside packages: how many arrows go from file to file, how many
// of them go up against the layers, and how large the types are. See package rooms.
//
//	go run -C test ./depcheck/cmd/rooms                        one row for each package
//	go run -C test ./depcheck/cmd/rooms internal/xds pkg/...   details of these packages
//	go run -C test ./depcheck/cmd/rooms -root DIR              another checkout
//	go run -C test ./depcheck/cmd/rooms -best internal/xds     new layers, without the listed layers
//
// The layers come from package depcheck. If a package's files differ from its listed layers, the
// package is measured against the best order that a search finds.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/wasm-xds/wasm-xds/test/depcheck"
	"github.com/wasm-xds/wasm-xds/test/depcheck/rooms"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "rooms:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("rooms", flag.ExitOnError)
	root := flags.String("root", "", "the checkout; the default is the checkout of the working directory")
	best := flags.Bool("best", false, "measure against the best layers found, even if layers are listed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *root == "" {
		var err error
		if *root, err = findRoot(); err != nil {
			return err
		}
	}
	packages, err := rooms.Load(*root)
	if err != nil {
		return err
	}
	chosen, err := choose(packages, flags.Args())
	if err != nil {
		return err
	}
	if err := printTable(out, chosen, *best); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		for _, p := range chosen {
			printDetails(out, p, *best)
		}
	}
	return nil
}

// findRoot looks for the root module in the working directory and above.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module "+rooms.Module+"\n") {
			return dir, nil
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		return "", fmt.Errorf("no go.mod of %s here or above; use -root", rooms.Module)
	}
}

// choose returns the packages that the patterns name, or all packages without a pattern. The
// largest package comes first.
func choose(packages []*rooms.Package, patterns []string) ([]*rooms.Package, error) {
	var chosen []*rooms.Package
	used := map[string]bool{}
	for _, p := range packages {
		matched := len(patterns) == 0
		for _, pattern := range patterns {
			name := strings.TrimSuffix(strings.TrimPrefix(pattern, "./"), "/")
			below, all := strings.CutSuffix(name, "/...")
			if p.Path == name || all && (p.Path == below || strings.HasPrefix(p.Path, below+"/")) {
				matched, used[pattern] = true, true
			}
		}
		if matched {
			chosen = append(chosen, p)
		}
	}
	for _, pattern := range patterns {
		if !used[pattern] {
			return nil, fmt.Errorf("no package matches %s: internal/xds is a package, and internal/... are all packages below internal", pattern)
		}
	}
	slices.SortStableFunc(chosen, func(a, b *rooms.Package) int { return b.Lines() - a.Lines() })
	return chosen, nil
}

func printTable(out io.Writer, packages []*rooms.Package, best bool) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "package\tlines\tfiles\tarrows\tupward\tlayers\tin cycles\tlongest file\tmost methods\tmost fields")
	for _, p := range packages {
		layers, from := layersOf(p, best)
		inCycles := 0
		for _, c := range rooms.Cycles(p) {
			inCycles += len(c)
		}
		longest := rooms.File{Name: "none"} // of a package that has only tests
		for _, f := range p.Files {
			if f.Lines > longest.Lines {
				longest = f
			}
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%s\t%d files\t%s %d\t%s\t%s\n",
			p.Path, p.Lines(), len(p.Files), len(p.Arrows), len(layers.Upward(p.Arrows)), from, inCycles,
			longest.Name, longest.Lines,
			sizes(p.MostMethods(3), func(t rooms.Type) int { return t.Methods }),
			sizes(p.MostFields(3), func(t rooms.Type) int { return t.Fields }))
	}
	return table.Flush()
}

// layersOf returns the listed layers of a package if they list the package's files, and otherwise
// the best layers found. best ignores the listed layers.
func layersOf(p *rooms.Package, best bool) (layers rooms.Layers, from string) {
	if listed, ok := depcheck.Layers[p.Path]; ok && !best {
		layers := rooms.ParseLayers(listed.Layers)
		if len(rooms.Check(&rooms.Package{Path: p.Path, Files: p.Files}, layers)) == 0 {
			return layers, "listed"
		}
	}
	return rooms.Propose(p), "best"
}

func sizes(types []rooms.Type, size func(rooms.Type) int) string {
	var all []string
	for _, t := range types {
		if size(t) > 0 {
			all = append(all, fmt.Sprintf("%s %d", t.Name, size(t)))
		}
	}
	return strings.Join(all, ", ")
}

func printDetails(out io.Writer, p *rooms.Package, best bool) {
	layers, from := layersOf(p, best)
	fmt.Fprintf(out, "\n%s: %s layers, bottom first\n%s", p.Path, from, layers)
	for _, c := range rooms.Cycles(p) {
		fmt.Fprintf(out, "cycle of %d files: %s\n", len(c), strings.Join(c, " "))
	}
	for _, a := range layers.Upward(p.Arrows) {
		fmt.Fprintf(out, "upward: %s -> %s\n", a.From, a.To)
		for _, u := range a.Uses {
			fmt.Fprintf(out, "\t%s/%s.go:%d: %s\n", p.Path, a.From, u.Line, u.Object)
		}
	}
}
