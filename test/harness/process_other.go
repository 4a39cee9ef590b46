//go:build !linux

package harness

import "syscall"

// dieWithParent is known to Linux only: elsewhere a killed test leaves its children behind.
func dieWithParent() *syscall.SysProcAttr { return nil }
