package moduleserver_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// get sends a request without an HTTP client and reads the head of the answer, but not the body.
func get(t *testing.T, conn net.Conn) *bufio.Reader {
	t.Helper()
	fmt.Fprintf(conn, "GET %s?t=abc HTTP/1.1\r\nHost: x\r\n\r\n", path(served))
	reader := bufio.NewReaderSize(conn, 16)
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\r\n" {
			return reader
		}
	}
}

// smallWindow connects with a small receive buffer.
func smallWindow(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	conn := dial(t, address)
	if err := conn.SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	return conn
}

func needLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		program.NotTested(t, "the send queue is known on Linux only")
	}
}

// queued is larger than the peer's receive buffer, and fits into the server's send queue.
const queued = 400 << 10

func TestFinishedMeansReceived(t *testing.T) {
	needLinux(t)
	f := start(t, queued, nil)
	conn := smallWindow(t, f.address)
	reader := get(t, conn)
	f.events.next(t, "started abc")

	// Unread bytes wait in the server's send queue, if the server has sent them.
	if _, err := io.CopyN(io.Discard, reader, queued/4); err != nil {
		t.Fatal(err)
	}
	f.events.none(t)
	if _, err := io.CopyN(io.Discard, reader, queued-queued/4); err != nil {
		t.Fatal(err)
	}
	// A peer that leaves the connection open has received the module nevertheless.
	f.events.next(t, "finished abc sent")
	if _, err := reader.ReadByte(); err != io.EOF {
		t.Errorf("the connection goes on: %v", err)
	}
}

func TestPeerThatGoesAway(t *testing.T) {
	needLinux(t)
	for _, size := range []int{queued, 32 << 20} {
		for name, leave := range map[string]func(*net.TCPConn) error{
			"closes": (*net.TCPConn).Close,
			"resets": func(c *net.TCPConn) error {
				if err := c.SetLinger(0); err != nil {
					return err
				}
				return c.Close()
			},
		} {
			t.Run(fmt.Sprintf("%s %d", name, size), func(t *testing.T) {
				f := start(t, size, nil)
				conn := smallWindow(t, f.address)
				get(t, conn)
				f.events.next(t, "started abc")
				if err := leave(conn); err != nil {
					t.Fatal(err)
				}
				f.events.next(t, "finished abc broken")
			})
		}
	}
}

func TestServerThatIsClosed(t *testing.T) {
	needLinux(t)
	f := start(t, queued, nil)
	get(t, smallWindow(t, f.address))
	f.events.next(t, "started abc")
	if err := f.server.Close(); err != nil {
		t.Fatal(err)
	}
	f.events.next(t, "finished abc broken")
}

func TestPeerThatClosesWhenItHasAll(t *testing.T) {
	for range 20 {
		f := start(t, queued, nil)
		conn := dial(t, f.address)
		if _, err := io.CopyN(io.Discard, get(t, conn), queued); err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		f.events.next(t, "started abc")
		f.events.next(t, "finished abc taken")
	}
}

// spyListener counts the bytes that reach the socket directly from a file, so the kernel
// copies them (sendfile).
type spyListener struct {
	net.Listener
	fromFile *atomic.Int64
}

func (l spyListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return spyConn{conn.(*net.TCPConn), l.fromFile}, nil
}

type spyConn struct {
	*net.TCPConn
	fromFile *atomic.Int64
}

func (c spyConn) ReadFrom(source io.Reader) (int64, error) {
	n, err := c.TCPConn.ReadFrom(source)
	// net.TCPConn recognises this form: see sendFile in package net.
	if limited, ok := source.(*io.LimitedReader); ok {
		if _, ok := limited.R.(*os.File); ok {
			c.fromFile.Add(n)
		}
	}
	return n, err
}

func TestSendfile(t *testing.T) {
	var fromFile atomic.Int64
	const size = 1 << 20
	f := start(t, size, func(l net.Listener) net.Listener { return spyListener{l, &fromFile} })
	response, _ := f.do(t, http.MethodGet, path(served)+"?t=abc", nil)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("status %d", response.StatusCode)
	}
	f.events.next(t, "started abc")
	f.events.next(t, "finished abc taken")
	// The server sends the first 512 bytes itself, with the head.
	if got := fromFile.Load(); got < size-512 {
		t.Errorf("%d of %d bytes go from the file to the socket", got, size)
	}
}
