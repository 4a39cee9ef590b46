package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/test/apitest"
)

// openTerminal returns both ends of a pseudo terminal.
func openTerminal(t *testing.T, columns, rows uint16) (master, terminal *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	number := 0
	raw, err := master.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	control := raw.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err != nil {
			return
		}
		if number, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN); err != nil {
			return
		}
		err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns})
	})
	if err != nil || control != nil {
		t.Fatal(err, control)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	return master, terminal
}

// reader reads the output of a program to a terminal.
type reader struct {
	t       *testing.T
	written chan string
	rest    string // read, and not returned yet
}

func newReader(t *testing.T, master *os.File) *reader {
	r := &reader{t: t, written: make(chan string)}
	done := t.Context().Done()
	go func() {
		defer close(r.written)
		part := make([]byte, 64<<10)
		for {
			n, err := master.Read(part)
			if err != nil {
				return
			}
			select {
			case r.written <- string(part[:n]):
			case <-done:
				return
			}
		}
	}()
	return r
}

// until returns the output up to a text.
func (r *reader) until(text string) string {
	r.t.Helper()
	for {
		if i := strings.Index(r.rest, text); i >= 0 {
			all := r.rest[:i+len(text)]
			r.rest = r.rest[i+len(text):]
			return all
		}
		select {
		case part, open := <-r.written:
			if !open {
				r.t.Fatalf("%q is not written: %q", text, r.rest)
			}
			r.rest += part
		case <-time.After(time.Minute):
			r.t.Fatalf("%q is not written: %q", text, r.rest)
		}
	}
}

// On a terminal, status --watch draws in place and on a screen of its own, never clears the screen,
// and restores the terminal at the end.
func TestStatusWatchesOnATerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	many := []api.Filter{rejectedFilter()}
	for i := range 50 {
		many = append(many, apitest.LiveFilter(fmt.Sprintf("filter-%02d", i)))
	}
	server := apitest.Start(t, many...)
	master, terminal := openTerminal(t, 60, 24)
	r := newReader(t, master)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan int, 1)
	go func() {
		ended <- Run(ctx, []string{"status", "--watch", "--admin-address", server.Address}, strings.NewReader(""), terminal, terminal)
	}()
	const open, restored, endUpdate = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l", "\x1b[?2026l"
	drawn := r.until(endUpdate)
	if !strings.HasPrefix(drawn, open) || !strings.Contains(drawn, "51 filters: 1 failing, 50 settled, as of ") || !strings.Contains(drawn, "\x1b[31mwith error\x1b[0m") {
		t.Errorf("at first: %q", drawn)
	}
	if lines := strings.Count(drawn, "\r\n"); lines > 24 || !strings.Contains(drawn, "see Envoy's log") || !strings.Contains(drawn, "more filters: ") {
		t.Errorf("%d lines on 24: %q", lines, drawn)
	}
	server.SetFilters(apitest.LiveFilter("auth"))
	server.Publish(api.Event{Type: api.EventFilter, Name: "auth"})
	after := r.until("1 filter: 1 settled") + r.until(endUpdate)
	if strings.Contains(drawn+after, "\x1b[2J") || strings.Contains(after, open) {
		t.Errorf("it flickers: %q", after)
	}
	cancel()
	last := r.until(restored) + r.until("auth")
	if strings.Contains(last, open) {
		t.Errorf("at the end: %q", last)
	}
	if code := <-ended; code != command.ExitOK {
		t.Errorf("exit %d", code)
	}
}

// Without colours, the same terminal gets no control sequence from a single look.
func TestStatusOnATerminalWithoutColours(t *testing.T) {
	t.Setenv("TERM", "xterm")
	server := apitest.Start(t, rejectedFilter())
	for noColor, want := range map[string]bool{"": true, "1": false} {
		t.Setenv("NO_COLOR", noColor)
		master, terminal := openTerminal(t, 40, 24)
		r := newReader(t, master)
		if code := Run(t.Context(), []string{"status", "--admin-address", server.Address}, strings.NewReader(""), terminal, terminal); code != command.ExitOK {
			t.Errorf("exit %d", code)
		}
		if got := r.until("Wasm plugin"); strings.Contains(got, "\x1b") != want || strings.Contains(got, "DELIVERY") {
			t.Errorf("NO_COLOR=%q: %q", noColor, got)
		}
	}
}
