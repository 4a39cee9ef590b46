package lobby

import (
	"net"
	"os"
	"syscall"
)

// duplicate returns another file descriptor of the connection's socket, which stays open after the
// connection was closed.
func duplicate(conn net.Conn) (descriptor int, ok bool) {
	socket, is := conn.(syscall.Conn)
	if !is {
		return 0, false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0, false
	}
	controlErr := raw.Control(func(fd uintptr) {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		if descriptor, err = syscall.Dup(int(fd)); err == nil {
			syscall.CloseOnExec(descriptor)
		}
	})
	return descriptor, controlErr == nil && err == nil
}

// revive makes a connection of a descriptor, which it takes over. nil: the client has gone.
func revive(descriptor int) net.Conn {
	file := os.NewFile(uintptr(descriptor), "")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil
	}
	if conn.RemoteAddr() == nil { // the system does not know the address of a reset connection
		_ = conn.Close()
		return nil
	}
	return conn
}

func drop(descriptor int) { _ = syscall.Close(descriptor) }
