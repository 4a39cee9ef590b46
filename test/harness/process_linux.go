package harness

import "syscall"

// dieWithParent has the kernel end a child whose test process was killed, which
// runs no cleanup.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
