package program

import "syscall"

// DieWithParent returns attributes that make the kernel end the child when the test process is
// killed, because a killed process runs no cleanup.
func DieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
