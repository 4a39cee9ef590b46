package dev

import (
	"syscall"
)

// childAttributes keep Ctrl-C from Envoy, because dev ends Envoy in order. They end Envoy when
// this process is killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
