package cli

import "syscall"

// childAttributes keep Ctrl-C from Envoy, which is ended in order, and end it
// when this process is killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
