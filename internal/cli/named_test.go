package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
)

// named is a command in a message, with the place of the message.
type named struct{ at, command string }

// inMessages are the texts that may name commands and flags: the string literals of the packages,
// and the page.
func inMessages(t *testing.T) map[string][]string {
	t.Helper()
	texts := map[string][]string{}
	for _, root := range []string{"../../internal", "../../pkg"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == "test", d.IsDir() && d.Name() == "testdata":
				return filepath.SkipDir
			case strings.HasSuffix(path, ".html"):
				text, err := os.ReadFile(path)
				texts[path] = append(texts[path], string(text))
				return err
			case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					if text, err := strconv.Unquote(literal.Value); err == nil {
						at := files.Position(literal.Pos()).String()
						texts[at] = append(texts[at], text)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return texts
}

var (
	inQuotes = regexp.MustCompile("`wasm-xds ([^`]+)`")
	inProse  = regexp.MustCompile(`wasm-xds ((?:[a-z]+)(?: [a-z]+)?)`)
	aFlag    = regexp.MustCompile(`(?:^|[\s"'` + "`" + `(=,])--([a-z][a-z-]+)`)
)

// prose are the words that follow the program's name in a sentence.
var prose = []string{
	"answers", "is", "runs", "again", "has", "reads", "started", "keeps", "and", "itself", "as", "on", "to", "serves", "of", "in", "cannot", "was",
	"may", "sends", "or", "falls", "leaves", "does", "ends", "if",
	"denies", "fetches", "speaks", "with", "delivers", "waits", "watches", "looks",
}

// commands are the commands in the texts: all text between backquotes, and elsewhere the words
// that may be a command.
func commands(texts map[string][]string) (all []named) {
	for at, list := range texts {
		for _, text := range list {
			for _, m := range inQuotes.FindAllStringSubmatch(text, -1) {
				all = append(all, named{at, m[1]})
			}
			for _, m := range inProse.FindAllStringSubmatch(inQuotes.ReplaceAllString(text, ""), -1) {
				first, second, _ := strings.Cut(m[1], " ")
				if slices.Contains(prose, first) {
					continue
				}
				if c, _, err := newRoot().Find([]string{first}); err == nil && c.HasSubCommands() && second != "" {
					first += " " + second
				}
				all = append(all, named{at, first})
			}
		}
	}
	slices.SortFunc(all, func(a, b named) int { return strings.Compare(a.at+a.command, b.at+b.command) })
	return all
}

// TestEachCommandThatAMessageNamesExists runs each command with --help: the program reads the
// command and its flags, and does nothing else.
func TestEachCommandThatAMessageNamesExists(t *testing.T) {
	all := commands(inMessages(t))
	if len(all) < 20 {
		t.Fatalf("only %d commands are named: %v", len(all), all)
	}
	for _, one := range all {
		args := strings.Fields(strings.NewReplacer("%s", "x", "%q", "x", "%d", "1", "…", "x", "'", "").Replace(one.command))
		if problem := tryCommand(t, args); problem != "" {
			t.Errorf("%s names `wasm-xds %s`, which does not work: %s", one.at, one.command, problem)
		}
	}
}

// tryCommand runs a command with --help, and returns the problem; "": none.
func tryCommand(t *testing.T, args []string) string {
	t.Helper()
	// With --help, an unknown word shows the list of commands.
	if c, rest, err := newRoot().Find(args); err != nil || c.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return "there is no such command"
	}
	if code, _, stderr := run(t, append(args, "--help")...); code != command.ExitOK || stderr != "" {
		return stderr
	}
	return ""
}

// foreignFlags belong to other programs: Envoy, cosign, pip, compilers and linkers. "max" begins
// the names of flags that are composed.
var foreignFlags = []string{
	"service-node", "service-cluster", "drain-time-s",
	"config-path", "concurrency", "base-id", "disable-hot-restart", "version", "key", "bundle", "tlog-upload", "signing-config",
	"with-default-services", "out", "type", "predicate",
	"ignore-requires-python", "dest", "only-binary", "no-deps", "platform", "disable-pip-version-check", "use", "no-entry", "import-memory",
	"import-table", "initial-memory", "allow-undefined", "max",
	"target", "release", "message-format", "print", "no-audit", "no-fund", "loglevel", "outFile", "prefix", // of compilers and of npm
	"endpoints", // of etcdctl
}

// TestEachFlagThatAMessageNamesExists: each flag belongs to a command.
func TestEachFlagThatAMessageNamesExists(t *testing.T) {
	known := map[string]bool{}
	commands := newRoot().Commands()
	for len(commands) > 0 {
		c := commands[0]
		commands = append(commands[1:], c.Commands()...)
		c.InitDefaultHelpFlag()
		c.Flags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
	}
	for _, name := range foreignFlags {
		known[name] = true
	}
	for at, list := range inMessages(t) {
		for _, text := range list {
			if strings.HasSuffix(at, ".html") {
				continue // the page's styles have names like flags
			}
			for _, m := range aFlag.FindAllStringSubmatch(text, -1) {
				if !known[strings.TrimRight(m[1], "-")] {
					t.Errorf("%s names --%s, which no command has: %q", at, m[1], text)
				}
			}
		}
	}
}

// TestNamedCommandsAreFound: the tests above notice wrong commands.
func TestNamedCommandsAreFound(t *testing.T) {
	var found []string
	for _, one := range commands(map[string][]string{"here": {"see wasm-xds chekc, or `wasm-xds rollout promot x`; wasm-xds is fine, and wasm-xds rollout promote too"}}) {
		found = append(found, one.command)
	}
	if want := []string{"chekc", "rollout promot x", "rollout promote"}; !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
	for _, args := range [][]string{{"chekc"}, {"rollout", "promot"}, {"status", "--wiat", "1s"}} {
		if tryCommand(t, args) == "" {
			t.Errorf("%q works", args)
		}
	}
}
