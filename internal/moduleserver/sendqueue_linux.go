package moduleserver

import (
	"crypto/tls"
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
// peer. On a Unix socket, these are the bytes that the peer has not read. ok is false for a
// connection without a socket.
func sendQueue(conn net.Conn) (func() (int, error), bool) {
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return nil, false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, false
	}
	count := unacknowledged
	if conn.LocalAddr().Network() == "unix" {
		count = unread
	}
	return func() (left int, err error) {
		controlErr := raw.Control(func(fd uintptr) {
			left, err = count(int(fd))
		})
		if controlErr != nil {
			return 0, controlErr
		}
		return left, err
	}, true
}

// unread counts the bytes that the peer of a Unix socket has not read. A peer that closes with
// bytes unread empties the queue, so unread cannot tell such a peer from a peer that has read
// everything. Envoy then refuses the next push, and gets the module inline.
func unread(fd int) (int, error) { return unix.IoctlGetInt(fd, unix.SIOCOUTQ) }

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
