package harness

import (
	"math/rand/v2"
	"net"
	"strconv"
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
		probe, err := net.Listen("tcp", address)
		if err != nil {
			_ = reservation.Close()
			continue
		}
		_ = probe.Close()
		t.Cleanup(func() { _ = reservation.Close() })
		return port
	}
	t.Fatalf("no free port between %d and %d", firstPort, lastPort)
	return 0
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
