package program

import "syscall"

// DieWithParent are attributes with which the kernel ends a child of a test process
// that was killed: such a process runs no cleanup.
func DieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
