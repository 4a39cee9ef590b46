package chaos

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

const (
	// requestTimeout bounds one request. No pause of an Envoy is longer.
	requestTimeout = 20 * time.Second
	// connectionsPerEnvoy is the number of connections with requests at the same time.
	connectionsPerEnvoy = 3
	// keptRequests is the number of requests on a kept connection for each request on a new one.
	keptRequests = 15
	// maxExamples is the number of wrong answers that are kept as examples.
	maxExamples = 20
)

// Counts are numbers of requests by verdict.
type Counts struct {
	Requests, Fresh, Excused, Lost, Bypassed, Stale int64
}

// load sends requests to an Envoy, mostly over kept connections, and judges each answer.
type load struct {
	address string
	expect  atomic.Pointer[Expectation]
	counts  [5]atomic.Int64 // by verdict
	fresh   atomic.Int64    // on new connections
	pace    time.Duration   // between two requests of a connection; 0: none
	wrong   func(Verdict, string)

	mu   sync.Mutex
	up   *sync.Cond // the Envoy answers, or the load is over
	down bool
	over bool
	life int // number of the Envoy's process; a kept connection belongs to one process
}

func newLoad(address string, rate int, wrong func(Verdict, string)) *load {
	l := &load{address: address, wrong: wrong, down: true}
	l.up = sync.NewCond(&l.mu)
	l.expect.Store(NewExpectation())
	if rate > 0 {
		l.pace = connectionsPerEnvoy * time.Second / time.Duration(rate)
	}
	return l
}

// run sends requests until ctx ends.
func (l *load) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.over = true
		l.up.Broadcast()
	})
	defer stop()
	var workers sync.WaitGroup
	for range connectionsPerEnvoy {
		workers.Go(l.work)
	}
	workers.Wait()
}

// change replaces the expectation by the next expectation.
func (l *load) change(next func(*Expectation) *Expectation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expect.Store(next(l.expect.Load()))
}

func (l *load) goDown() {
	l.change(func(x *Expectation) *Expectation { return x.GoDown(time.Now()) })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
}

func (l *load) comeUp() {
	l.change(func(x *Expectation) *Expectation { return x.ComeUp(time.Now()) })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
	l.life++
	l.up.Broadcast()
}

// wait waits until the Envoy answers, and returns the number of its process. false means the
// load is over.
func (l *load) wait() (life int, goOn bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.down && !l.over {
		l.up.Wait()
	}
	return l.life, !l.over
}

func (l *load) work() {
	kept := newClient(l.address)
	defer kept.close()
	next, life := time.Now(), 0
	for n := 0; ; n++ {
		if l.pace > 0 {
			next = next.Add(l.pace)
			if late := time.Since(next); late < 0 {
				time.Sleep(-late)
			} else if late > time.Second {
				next = time.Now() // without catching up
			}
		}
		// The request must follow at once, because the Envoy may be killed meanwhile.
		now, goOn := l.wait()
		if !goOn {
			return
		}
		if now != life {
			kept.close() // the Envoy was killed between two requests
			life = now
		}
		token := n%4 != 0
		if n%(keptRequests+1) != 0 {
			l.judge(kept.ask(token, false), "kept connection")
			continue
		}
		l.fresh.Add(1)
		fresh := newClient(l.address)
		l.judge(fresh.ask(token, true), "new connection")
		fresh.close()
	}
}

func (l *load) judge(a *Answer, connection string) {
	verdict, why := l.expect.Load().Judge(a)
	l.counts[verdict].Add(1)
	if verdict > Excused {
		l.wrong(verdict, fmt.Sprintf("%s, %s, token %v, took %v: %s", l.address, connection, a.Token,
			a.End.Sub(a.Begin).Round(time.Millisecond), why))
	}
}

func (l *load) total() Counts {
	c := Counts{
		Fresh: l.fresh.Load(), Excused: l.counts[Excused].Load(), Lost: l.counts[Lost].Load(),
		Bypassed: l.counts[Bypassed].Load(), Stale: l.counts[Stale].Load(),
	}
	for i := range l.counts {
		c.Requests += l.counts[i].Load()
	}
	return c
}

// client is a connection with buffers of its own, which dials on demand. The client reads only the
// parts of an answer that Envoy writes here: Go's client would take as long as Envoy itself.
type client struct {
	address string
	conn    net.Conn
	reader  *bufio.Reader
	answer  Answer
	body    []byte
	labels  map[string]Seen // interned
	stamp   [][]byte
	config  [][]byte
	headers map[string]int // name of a header → 2*filter for stamps, 2*filter+1 for configurations
}

func newClient(address string) *client {
	c := &client{address: address, labels: map[string]Seen{}, headers: map[string]int{}}
	for i, f := range Filters() {
		c.headers[f.StampHeader()], c.headers[f.ConfigHeader()] = 2*i, 2*i+1
	}
	c.stamp, c.config = make([][]byte, len(Filters())), make([][]byte, len(Filters()))
	c.answer.Labels = make([]Seen, len(Filters()))
	return c
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// ask sends one request. The answer is valid until the next request.
func (c *client) ask(token, last bool) *Answer {
	a := &c.answer
	a.Begin, a.Token, a.Status, a.Body = time.Now(), token, 0, ""
	closing, err := c.exchange(token, last)
	a.End, a.Err = time.Now(), err
	if err != nil || closing {
		c.close()
	}
	return a
}

// request returns the text of a request, which depends only on the token and on last.
func request(token, last bool) string {
	text := "GET / HTTP/1.1\r\nHost: chaos\r\n"
	if token {
		text += "token: ok\r\n"
	}
	if last {
		text += "Connection: close\r\n"
	}
	return text + "\r\n"
}

func (c *client) exchange(token, last bool) (closing bool, err error) {
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.address, requestTimeout)
		if err != nil {
			return true, err
		}
		c.conn = conn
		if c.reader == nil {
			c.reader = bufio.NewReader(conn)
		} else {
			c.reader.Reset(conn)
		}
	}
	if err := c.conn.SetDeadline(time.Now().Add(requestTimeout)); err != nil {
		return true, err
	}
	if _, err := io.WriteString(c.conn, request(token, last)); err != nil {
		return true, err
	}
	length, closing, err := c.head()
	if err != nil {
		return true, err
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	if _, err := io.ReadFull(c.reader, c.body); err != nil {
		return true, err
	}
	c.answer.Body = c.intern(c.body)
	return closing || last, nil
}

// intern returns the text as a string. Nearly all answers have the same few texts, so intern keeps
// the strings.
func (c *client) intern(text []byte) string {
	if s, ok := c.labels[string(text)]; ok {
		return string(s)
	}
	if len(c.labels) > 10_000 {
		clear(c.labels)
	}
	c.labels[string(text)] = Seen(text)
	return string(text)
}

// head reads the status and the headers.
func (c *client) head() (length int, closing bool, err error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, true, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, true, fmt.Errorf("no status: %q", line)
	}
	if c.answer.Status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, true, err
	}
	for i := range c.stamp {
		c.stamp[i], c.config[i] = c.stamp[i][:0], c.config[i][:0]
	}
	length = -1
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return 0, true, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch i, ours := c.headers[string(name)]; {
		case ours && i%2 == 0:
			c.stamp[i/2] = append(c.stamp[i/2], value...)
		case ours:
			c.config[i/2] = append(c.config[i/2], value...)
		case string(name) == "content-length":
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, true, err
			}
		case string(name) == "connection":
			closing = string(value) == "close"
		}
	}
	if length < 0 {
		return 0, true, fmt.Errorf("status %d without a length", c.answer.Status)
	}
	for i, stamp := range c.stamp {
		c.answer.Labels[i] = ""
		if len(stamp) > 0 {
			stamp = append(append(stamp, '/'), c.config[i]...)
			c.stamp[i] = stamp
			c.answer.Labels[i] = Seen(c.intern(stamp))
		}
	}
	return length, closing, nil
}

// startUpstream serves [harness.Welcome] for every request, at little cost.
func startUpstream(t harness.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("%v", err)
	}
	answer := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s", len(harness.Welcome), harness.Welcome)
	var serving sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // the listener is closed
			}
			serving.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
				reader := bufio.NewReader(conn)
				for {
					line, err := reader.ReadSlice('\n')
					if err != nil {
						return
					}
					if len(line) > 2 {
						continue // a request has no body, and ends with an empty line
					}
					if _, err := conn.Write(answer); err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		serving.Wait()
	})
	return listener.Addr().String()
}
