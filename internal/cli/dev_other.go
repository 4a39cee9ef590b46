//go:build !linux

package cli

import "syscall"

// childAttributes keep Ctrl-C from Envoy, which is ended in order.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
