// Package proc reads the resource use of a process from Linux's /proc.
package proc

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// CPU returns the CPU time of the process's threads, user and kernel time together, in
// nanoseconds.
func CPU(pid int) (time.Duration, error) {
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(paths) == 0 {
		return 0, fmt.Errorf("process %d: no thread found: %w", pid, os.ErrNotExist)
	}
	var sum time.Duration
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has just ended
		}
		ran, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(ran, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// RSS returns the process's resident memory in bytes.
func RSS(pid int) (float64, error) { return memory(pid, "VmRSS") }

// PeakRSS returns the maximum of [RSS] since the start of the process or the last [ResetPeak], in
// bytes.
func PeakRSS(pid int) (float64, error) { return memory(pid, "VmHWM") }

// ResetPeak restarts the maximum of [PeakRSS].
func ResetPeak(pid int) error {
	const resetsPeak = "5" // see proc_pid_clear_refs(5)
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte(resetsPeak), 0)
}

// memory returns a value in kB from the process's status file, converted to bytes.
func memory(pid int, key string) (float64, error) {
	path := fmt.Sprintf("/proc/%d/status", pid)
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if k, v, ok := strings.Cut(lines.Text(), ":"); ok && k == key {
			var kib float64
			_, err := fmt.Sscanf(v, "%f kB", &kib)
			return kib * 1024, err
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, key)
}

// Files returns the number of the process's open files.
func Files(pid int) (int, error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(entries), err
}
