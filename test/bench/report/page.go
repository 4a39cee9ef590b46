package report

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// head begins a page that does not exist yet.
const head = `# Benchmarks

` + "`make bench`" + ` measures all of this and rewrites this page; ` + "`go run ./test/bench/cmd/bench -only NAME`" + `
one section of it. Each figure stands beside its reference from the same run, which took
turns with it on the same machine: look at the ratios, the figures are that machine's.
`

// Update replaces the section in the page at path, or appends it, and leaves the
// other sections as they are.
func Update(path string, s Section) error {
	page, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		page = []byte(head)
	} else if err != nil {
		return err
	}
	text, err := replace(string(page), s.Name, s.Markdown())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// replace puts a body between the section's markers.
func replace(page, name, body string) (string, error) {
	begin, end := "<!-- bench:"+name+" -->\n", "<!-- /bench:"+name+" -->\n"
	block := begin + body + end
	before, rest, found := strings.Cut(page, begin)
	if !found {
		return strings.TrimRight(page, "\n") + "\n\n" + block, nil
	}
	_, after, found := strings.Cut(rest, end)
	if !found {
		return "", fmt.Errorf("the marker %q is missing", strings.TrimSpace(end))
	}
	return before + block + after, nil
}

// Machine describes this machine and the commit in a line.
func Machine() string {
	commit := "unknown"
	if out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output(); err == nil {
		commit = strings.TrimSpace(string(out))
	}
	return fmt.Sprintf("%s, %d cores, %s of memory, %s/%s, %s, commit %s", processor(), runtime.NumCPU(),
		Bytes.Format(memory()), runtime.GOOS, runtime.GOARCH, runtime.Version(), commit)
}

func processor() string {
	if name := lineOf("/proc/cpuinfo", "model name"); name != "" {
		return name
	}
	return "a processor that does not say its name"
}

func memory() float64 {
	var kib float64
	if _, err := fmt.Sscanf(lineOf("/proc/meminfo", "MemTotal"), "%f kB", &kib); err != nil {
		return 0
	}
	return kib * 1024
}

// lineOf is what stands behind `key :` in a file of /proc.
func lineOf(path, key string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if k, v, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
