package moduleserver

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// pair returns a TCP connection with a small receive buffer at the reading end and a large send
// buffer at the writing end.
func pair(t *testing.T) (writer, reader *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialled, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dialled.Close() })
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = accepted.Close() })
	writer, reader = dialled.(*net.TCPConn), accepted.(*net.TCPConn)
	if err := errors.Join(writer.SetWriteBuffer(1<<20), reader.SetReadBuffer(16<<10)); err != nil {
		t.Fatal(err)
	}
	return writer, reader
}

func TestAwaitTaken(t *testing.T) {
	const size = 300 << 10
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		then   func(writer, reader *net.TCPConn) error
		ctx    context.Context
		closed bool
		want   error
	}{
		"nothing is read": {func(_, _ *net.TCPConn) error { return nil }, ended, false, errBroken},
		"all is read": {func(_, reader *net.TCPConn) error {
			_, err := io.CopyN(io.Discard, reader, size)
			return err
		}, t.Context(), false, nil},
		"all is read, then closed": {func(_, reader *net.TCPConn) error {
			_, err := io.CopyN(io.Discard, reader, size)
			return errors.Join(err, reader.CloseWrite())
		}, t.Context(), false, nil},
		"all is read, then seen to be closed": {func(_, reader *net.TCPConn) error {
			_, err := io.CopyN(io.Discard, reader, size)
			return errors.Join(err, reader.CloseWrite())
		}, ended, true, nil},
		"closed with bytes unread": {func(_, reader *net.TCPConn) error { return reader.Close() }, t.Context(), false, errBroken},
		"reset": {func(_, reader *net.TCPConn) error {
			return errors.Join(reader.SetLinger(0), reader.Close())
		}, t.Context(), false, errBroken},
		"closed here": {func(writer, _ *net.TCPConn) error { return writer.Close() }, t.Context(), false, net.ErrClosed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			writer, reader := pair(t)
			if _, err := writer.Write(make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			queue, ok := sendQueue(writer)
			if !ok {
				t.Fatal("no send queue")
			}
			if left, err := queue(); err != nil || left == 0 {
				t.Fatalf("%d bytes left, %v; the peer has read nothing", left, err)
			}
			if err := test.then(writer, reader); err != nil {
				t.Fatal(err)
			}
			closed, err := awaitTaken(test.ctx, writer, time.Millisecond)
			if closed != test.closed || !errors.Is(err, test.want) {
				t.Errorf("closed %t, %v; want %t, %v", closed, err, test.closed, test.want)
			}
		})
	}
}

func TestAwaitTakenOnAUnixSocket(t *testing.T) {
	const size = 100 << 10
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		read   int64
		ctx    context.Context
		closed bool
		want   error
	}{
		"nothing is read":                     {0, ended, false, errBroken},
		"all is read":                         {size, t.Context(), false, nil},
		"all is read, then seen to be closed": {size, ended, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			reader, err := net.Dial("unix", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			writer, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer writer.Close()
			if _, err := writer.Write(make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.CopyN(io.Discard, reader, tt.read); err != nil {
				t.Fatal(err)
			}
			closed, err := awaitTaken(tt.ctx, writer, time.Millisecond)
			if closed != tt.closed || !errors.Is(err, tt.want) {
				t.Errorf("closed %t, %v; want %t, %v", closed, err, tt.closed, tt.want)
			}
		})
	}
}

// Bytes of a TLS connection are counted on the connection below.
func TestSendQueueOfTLS(t *testing.T) {
	writer, _ := pair(t)
	if _, err := writer.Write(make([]byte, 300<<10)); err != nil {
		t.Fatal(err)
	}
	queue, ok := sendQueue(tls.Server(writer, nil))
	if !ok {
		t.Fatal("no send queue")
	}
	if left, err := queue(); err != nil || left == 0 {
		t.Errorf("%d bytes left, %v; the peer has read nothing", left, err)
	}
}

func TestOtherConnectionsCountAsReceived(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	if closed, err := awaitTaken(t.Context(), here, time.Millisecond); closed || err != nil {
		t.Errorf("closed %t, %v", closed, err)
	}
}
