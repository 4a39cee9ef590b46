//go:build !linux

package program

import "syscall"

// DieWithParent is nil: only Linux can end the children of a killed test process.
func DieWithParent() *syscall.SysProcAttr { return nil }
