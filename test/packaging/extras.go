// Package packaging makes the files of a release that are neither sources nor binaries, and tests
// the packages on a Debian with systemd.
//
//   - extras.go: manual pages, completions and licenses.
//   - nfpm.go: the packages of .goreleaser.yaml, as a configuration of nfpm alone.
package packaging

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra/doc"

	"github.com/wasm-xds/wasm-xds/internal/cli"
)

// WriteExtras writes the extra files of a release below a directory: man/*.1.gz, completions/*,
// changelog.gz and third-party-licenses.txt. root is the directory of the product's go.mod. The
// date stands in the manual pages. The same sources and date give the same bytes.
func WriteExtras(dir, root string, date time.Time) error {
	for _, write := range []func() error{
		func() error { return writeMan(filepath.Join(dir, "man"), date) },
		func() error { return writeCompletions(filepath.Join(dir, "completions")) },
		func() error { return compress(filepath.Join(root, "CHANGELOG.md"), filepath.Join(dir, "changelog.gz")) },
		func() error { return writeLicenses(filepath.Join(dir, "third-party-licenses.txt"), root) },
	} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

// writeMan writes a compressed page for each command.
func writeMan(dir string, date time.Time) error {
	if err := makeNew(dir); err != nil {
		return err
	}
	root := cli.Root()
	root.DisableAutoGenTag = true
	header := &doc.GenManHeader{Section: "1", Date: &date, Source: "wasm-xds", Manual: "wasm-xds"}
	if err := doc.GenManTree(root, header, dir); err != nil {
		return err
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil {
		return err
	}
	for _, page := range pages {
		if err := errors.Join(compress(page, page+".gz"), os.Remove(page)); err != nil {
			return err
		}
	}
	return nil
}

// compress writes a compressed copy of a file, without a name and a time in it.
func compress(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return writeFile(to, func(w io.Writer) error {
		z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
		if err != nil {
			return err
		}
		_, err = z.Write(text)
		return errors.Join(err, z.Close())
	})
}

func writeCompletions(dir string) error {
	if err := makeNew(dir); err != nil {
		return err
	}
	root := cli.Root()
	for name, write := range map[string]func(io.Writer) error{
		"wasm-xds.bash": func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"_wasm-xds":     root.GenZshCompletion,
		"wasm-xds.fish": func(w io.Writer) error { return root.GenFishCompletion(w, true) },
	} {
		if err := writeFile(filepath.Join(dir, name), write); err != nil {
			return err
		}
	}
	return nil
}

// makeNew makes an empty directory.
func makeNew(dir string) error {
	return errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755))
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// writeLicenses collects the licenses of all modules in the program, on all platforms of a release.
func writeLicenses(path, root string) error {
	dirs := map[string]string{} // by module
	for _, platform := range []string{"linux", "darwin"} {
		list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", "./cmd/wasm-xds")
		list.Dir, list.Stderr = root, os.Stderr
		list.Env = append(os.Environ(), "GOOS="+platform, "CGO_ENABLED=0")
		out, err := list.Output()
		if err != nil {
			return fmt.Errorf("list the modules: %w", err)
		}
		for line := range strings.Lines(string(out)) {
			if name, dir, found := strings.Cut(strings.TrimSpace(line), "\t"); found {
				dirs[name] = dir
			}
		}
	}
	names := make([]string, 0, len(dirs))
	for name := range dirs {
		names = append(names, name)
	}
	slices.Sort(names)
	return writeFile(path, func(w io.Writer) error {
		fmt.Fprintln(w, "wasm-xds contains these Go modules, and Go's own library (BSD-3-Clause, https://go.dev/LICENSE).")
		for _, name := range names {
			texts, err := licenses(dirs[name])
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if _, err := fmt.Fprintf(w, "\n======== %s\n\n%s", name, texts); err != nil {
				return err
			}
		}
		return nil
	})
}

// licenses returns the texts of a module's license files.
func licenses(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if e.IsDir() || !slices.ContainsFunc([]string{"LICENSE", "LICENCE", "UNLICENSE", "COPYING", "NOTICE"}, func(p string) bool { return strings.HasPrefix(name, p) }) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		all.WriteString(strings.TrimSpace(string(text)) + "\n")
	}
	if all.Len() == 0 {
		return "", errors.New("the module has no license file")
	}
	return all.String(), nil
}
