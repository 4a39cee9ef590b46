package report

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Here returns this machine, the current commit and today's date.
func Here() Origin {
	var o Origin
	o.Machine = fmt.Sprintf("%s, %d cores, %s of memory, %s/%s, %s", processor(), runtime.NumCPU(),
		Bytes.Format(memory()), runtime.GOOS, runtime.GOARCH, runtime.Version())
	o.Commit, o.Date = "unknown", time.Now().Format(time.DateOnly)
	if out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output(); err == nil {
		o.Commit = strings.TrimSpace(string(out))
	}
	return o
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

// lineOf returns the text after `key :` in a file of /proc.
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
