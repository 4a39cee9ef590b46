package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// watch shows the view at once and after each change, until ctx ends. On a terminal it draws the
// whole view again in place. Elsewhere it prints a line for each changed filter, and JSON whole.
func watch(ctx context.Context, l look) error {
	if display.IsTerminal(l.out) && !l.json {
		return watchScreen(ctx, l)
	}
	var last *view.View
	err := l.server.OnChange(ctx, func() (bool, error) {
		v, err := l.take(ctx)
		if err != nil {
			return false, err
		}
		switch {
		case last == nil:
			l.print(v)
		case l.json:
			if len(view.Changes(last, v)) > 0 {
				l.print(v)
			}
		default:
			for _, line := range view.Changes(last, v) {
				fmt.Fprintln(l.out, time.Now().Format(time.TimeOnly), line)
			}
		}
		last = v
		return false, nil
	})
	if ctx.Err() == nil {
		return err
	}
	return nil // the end was asked for
}

// The times of a screen.
const (
	redrawEvery = time.Second     // the times in the view grow
	askAgain    = 2 * time.Second // after the server has not answered
)

// news is an answer of the server, or the error instead of one.
type news struct {
	view *view.View
	err  error
}

// watchScreen draws the view on the terminal's other screen. At the end, the terminal is as before,
// with the last view below.
func watchScreen(ctx context.Context, l look) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan news)
	go follow(ctx, l, answers)
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	tick := time.NewTicker(redrawEvery)
	defer tick.Stop()

	s := screen{look: l}
	for {
		select {
		case n, open := <-answers:
			if !open {
				s.leave()
				return nil // the end was asked for
			}
			if s.last == nil && n.err != nil {
				cancel()
				for range answers { // until follow has ended
				}
				return n.err
			}
			s.take(n)
		case <-resized:
		case <-tick.C:
		}
		s.draw(time.Now())
	}
}

// follow sends the server's answers, until ctx ends. A server that does not answer is asked again,
// unless it has refused the question.
func follow(ctx context.Context, l look, answers chan<- news) {
	defer close(answers)
	send := func(n news) {
		select {
		case answers <- n:
		case <-ctx.Done():
		}
	}
	for ctx.Err() == nil {
		err := l.server.OnChange(ctx, func() (bool, error) {
			v, err := l.take(ctx)
			if err == nil {
				send(news{view: v})
			}
			return false, err
		})
		if ctx.Err() != nil {
			return
		}
		send(news{err: err})
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
		}
	}
}

// screen is the other screen of a terminal, with the last answer of the server.
type screen struct {
	look   look
	last   *view.View
	at     time.Time // of last
	err    error     // instead of a newer answer
	opened bool
}

// take takes an answer.
func (s *screen) take(n news) {
	if s.err = n.err; n.err == nil {
		s.last, s.at = n.view, time.Now()
	}
}

// The control sequences of a screen. A terminal that does not know a synchronized update ignores
// it.
const (
	openScreen  = "\x1b[?1049h\x1b[?25l\x1b[?7l" // the other screen, without a cursor and broken lines
	closeScreen = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	beginUpdate = "\x1b[?2026h\x1b[H" // from the first line
	endUpdate   = "\x1b[J\x1b[?2026l" // nothing is left below
	endLine     = "\x1b[K\n"          // nothing is left of a longer line
)

// draw writes the whole screen at once: each line replaces the former one, so nothing flickers.
func (s *screen) draw(now time.Time) {
	if s.last == nil {
		return
	}
	var text, out bytes.Buffer
	if !s.opened {
		s.opened = true
		out.WriteString(openScreen)
	}
	form := display.ScreenOf(s.look.out, &text)
	if form == nil {
		return // the terminal has gone
	}
	s.head(form, now)
	s.look.printTo(form, s.last)
	lines := strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
	if most := form.Rows - 1; form.Rows > 1 && len(lines) > most {
		lines = append(lines[:most-1], form.Paint(terminal.Faint, fmt.Sprintf("… and %d more lines", len(lines)-most+1)))
	}
	out.WriteString(beginUpdate)
	for _, line := range lines {
		out.WriteString(line + endLine)
	}
	out.WriteString(endUpdate)
	_, _ = s.look.out.Write(out.Bytes()) // a closed output is not reported
}

// head prints the first line: the summary and the time of the figures.
func (s *screen) head(form *display.Screen, now time.Time) {
	text := view.Summary(s.last.Filters)
	if s.last.One {
		text = s.last.Filters[0].Name
	}
	fmt.Fprintln(form, terminal.Cut(terminal.Printable(text)+", as of "+s.at.Format(time.TimeOnly), form.Columns))
	if s.err != nil {
		e := s.err.Error()
		if problem := (*api.Error)(nil); errors.As(s.err, &problem) {
			e = problem.Message
			if problem.Code == apiclient.CodeServerGone {
				e = "the server does not answer"
			}
		}
		fmt.Fprintln(form, form.Paint(terminal.Red, terminal.Cut(terminal.Printable(fmt.Sprintf("not current for %s: %s", now.Sub(s.at).Round(time.Second), e)), form.Columns)))
	}
	fmt.Fprintln(form)
}

// leave restores the terminal, and prints the last view once more.
func (s *screen) leave() {
	if s.opened {
		_, _ = io.WriteString(s.look.out, closeScreen)
	}
	if s.last != nil {
		s.look.print(s.last)
	}
}
