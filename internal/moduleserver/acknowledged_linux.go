package moduleserver

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// States of a TCP connection without a reset by the peer (net/tcp_states.h).
const (
	tcpEstablished = 1
	tcpCloseWait   = 8
)

// sendQueue returns a function that counts the written bytes without an acknowledgement of the
// peer. ok is false for a connection without a TCP socket.
func sendQueue(conn net.Conn) (func() (int, error), bool) {
	tcp, ok := conn.(syscall.Conn)
	if !ok {
		return nil, false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, false
	}
	return func() (left int, err error) {
		controlErr := raw.Control(func(fd uintptr) {
			left, err = unacknowledged(int(fd))
		})
		if controlErr != nil {
			return 0, controlErr
		}
		return left, err
	}, true
}

func unacknowledged(fd int) (int, error) {
	left, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	if err != nil {
		return 0, err
	}
	// A reset also empties the queue, so check the connection's state after the queue.
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, err
	}
	if info.State != tcpEstablished && info.State != tcpCloseWait {
		return 0, errBroken
	}
	return left, nil
}
