package harness

import (
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// Reserved ports lie below what operating systems hand out by themselves, so
// that no outgoing connection takes one between its reservation and its use.
const (
	firstPort = 11000
	lastPort  = 30000
)

// FreePort reserves a loopback TCP port until the test ends, for a process that
// must be told its port. The reservation is the UDP port of the same number,
// which every test process of the machine respects.
func FreePort(t TB) int {
	t.Helper()
	for range 10 * (lastPort - firstPort) {
		port := firstPort + rand.IntN(lastPort-firstPort)
		address := Loopback(port)
		reservation, err := net.ListenPacket("udp", address)
		if err != nil {
			continue
		}
		if !isFree(address) {
			_ = reservation.Close()
			continue
		}
		t.Cleanup(func() { _ = reservation.Close() })
		return port
	}
	t.Fatalf("no free port between %d and %d", firstPort, lastPort)
	return 0
}

// isFree says whether a server could listen at the address.
func isFree(address string) bool {
	// Until it runs its own program, a child has copies of all sockets: this one would be in use for longer.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	probe, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	return probe.Close() == nil
}

// Listen listens at the address of a reserved port, also where a server of this process did so a moment
// ago: a child that is just being started may have a copy of its socket still.
func Listen(t TB, address string) (listener net.Listener) {
	t.Helper()
	var err error
	if !Poll(t.Context(), func() bool { listener, err = net.Listen("tcp", address); return err == nil }) {
		t.Fatalf("%v", err)
	}
	return listener
}

// Loopback is a port's address on this machine alone.
func Loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// portOf is the port of an address that is known to have one.
func portOf(t TB, address string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatalf("address %q: %v", address, err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("address %q: %v", address, err)
	}
	return port
}
