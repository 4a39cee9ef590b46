package harness

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/net/dns/dnsmessage"
)

// DNS is a name server that answers 127.0.0.1 for all names of one domain. It ends with the test. A
// control plane uses the name server in its options.
type DNS struct {
	connection net.PacketConn
	domain     string
	failing    atomic.Bool
}

// StartDNS starts a name server for a domain like "registry.test".
func StartDNS(t TB, domain string) *DNS {
	t.Helper()
	connection, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("%v", err)
	}
	d := &DNS{connection: connection, domain: domain + "."}
	var ended sync.WaitGroup
	ended.Go(d.serve)
	t.Cleanup(func() {
		_ = connection.Close() // ends serve
		ended.Wait()
	})
	return d
}

// Fail starts or stops answering every question with a server failure.
func (d *DNS) Fail(failing bool) { d.failing.Store(failing) }

func (d *DNS) address() string { return d.connection.LocalAddr().String() }

func (d *DNS) serve() {
	question := make([]byte, 1500)
	for {
		n, from, err := d.connection.ReadFrom(question)
		if err != nil {
			return
		}
		if answer, err := d.answer(question[:n]); err == nil {
			_, _ = d.connection.WriteTo(answer, from) // a client without an answer asks again
		}
	}
}

func (d *DNS) answer(text []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(text); err != nil {
		return nil, err
	}
	m.Response, m.Additionals = true, nil
	switch q := m.Questions[0]; {
	case d.failing.Load():
		m.RCode = dnsmessage.RCodeServerFailure
	case !strings.HasSuffix("."+q.Name.String(), "."+d.domain):
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET},
			Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		}}
	}
	return m.Pack()
}
