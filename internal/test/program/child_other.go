//go:build !linux

package program

import "syscall"

// DieWithParent returns nil, because only Linux can end the children of a killed test process.
func DieWithParent() *syscall.SysProcAttr { return nil }
