package harness

import (
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// Reserved ports are below the ephemeral ports of operating systems, so no outgoing connection
// takes a port between its reservation and its use. They are above the default ports of wasm-xds
// and of its Envoy, so a server that somebody runs by hand takes none of them either.
const (
	firstPort = 20000
	lastPort  = 30000
)

// FreePort reserves a loopback TCP port until the test ends, for a process that needs its port as
// an argument. The reservation is the UDP port with the same number, which all test processes of
// the machine respect.
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

// isFree reports whether a server could listen at the address.
func isFree(address string) bool {
	// A new child has copies of all sockets until exec. A copy would keep this port in use for
	// longer.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	probe, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	return probe.Close() == nil
}

// Listen listens at the address of a reserved port. It retries, because a starting child may still
// have a copy of the socket of an earlier server in this process.
func Listen(t TB, address string) (listener net.Listener) {
	t.Helper()
	var err error
	if !Poll(t.Context(), func() bool { listener, err = net.Listen("tcp", address); return err == nil }) {
		t.Fatalf("%v", err)
	}
	return listener
}

// Loopback returns the loopback address of a port.
func Loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// portOf returns the port of an address that must have one.
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
