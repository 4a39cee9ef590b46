package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// Request is a request that dev sends after each change.
type Request struct {
	text    string // as given
	method  string
	path    string
	headers [][2]string
	body    string
}

// ParseRequest reads a request: METHOD PATH, headers as NAME=VALUE, and after a double dash the
// body, as in
//
//	POST /greet token=7 -- the body
func ParseRequest(text string) (Request, error) {
	head, body, _ := strings.Cut(text+" ", " -- ")
	words := strings.Fields(head)
	r := Request{text: strings.TrimSpace(text), body: strings.TrimSpace(body)}
	if len(words) < 2 || !strings.HasPrefix(words[1], "/") {
		return r, fmt.Errorf("%q is no request: it is METHOD PATH [NAME=VALUE…] [-- BODY], as in 'GET / token=7'", text)
	}
	r.method, r.path = words[0], words[1]
	for _, word := range words[2:] {
		name, value, found := strings.Cut(word, "=")
		if !found || name == "" {
			return r, fmt.Errorf("%q in the request %q is no header: it is NAME=VALUE", word, text)
		}
		r.headers = append(r.headers, [2]string{name, value})
	}
	if _, err := r.build(context.Background(), "127.0.0.1:1"); err != nil {
		return r, fmt.Errorf("%q is no request: %w", text, err)
	}
	return r, nil
}

func (r Request) build(ctx context.Context, address string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, r.method, "http://"+address+r.path, strings.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("user-agent", "wasm-xds-dev")
	request.Header.Set("x-request-id", sameRequestID)
	given := map[string]bool{}
	for _, header := range r.headers {
		if strings.EqualFold(header[0], "host") {
			request.Host = header[1]
			continue
		}
		if name := strings.ToLower(header[0]); !given[name] {
			given[name] = true
			request.Header.Del(name)
		}
		request.Header.Add(header[0], header[1])
	}
	return request, nil
}

// sameRequestID is the x-request-id of all requests. Envoy would make another one each time, and so
// no two answers with the request's headers were equal.
const sameRequestID = "00000000-0000-4000-8000-000000000000"

const (
	answerTime    = 10 * time.Second
	mostOfAnswer  = 64 << 10 // bytes of a body that are shown
	unreadableEnd = "…\n"
)

// answer is a response in lines, without the headers that differ each time. A failure is an answer,
// too.
func (r Request) answer(ctx context.Context, address string) string {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	request, err := r.build(ctx, address)
	if err != nil {
		return err.Error() + "\n"
	}
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return "no answer: " + reason.Of(errors.Unwrap(err)) + "\n"
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, mostOfAnswer+1))
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", response.Proto, response.Status)
	for _, name := range slices.Sorted(maps.Keys(response.Header)) {
		if name == "Date" || name == "X-Envoy-Upstream-Service-Time" {
			continue
		}
		for _, value := range response.Header[name] {
			fmt.Fprintf(&b, "%s: %s\n", strings.ToLower(name), terminal.Printable(value))
		}
	}
	b.WriteString("\n" + printable(body))
	if err != nil {
		fmt.Fprintf(&b, "the answer ends early: %s\n", reason.Of(err))
	}
	return b.String()
}

// printable is a body in lines.
func printable(body []byte) string {
	if len(body) == 0 {
		return ""
	}
	end := ""
	if len(body) > mostOfAnswer {
		body, end = body[:mostOfAnswer], unreadableEnd
	}
	if !utf8.Valid(body) {
		return fmt.Sprintf("%d bytes that are no text\n", len(body))
	}
	var b strings.Builder
	for line := range strings.Lines(string(body)) {
		b.WriteString(terminal.Printable(strings.TrimRight(line, "\r\n")) + "\n")
	}
	return b.String() + end
}

// changedLines shows how an answer has changed, with a minus for each line that is gone and a plus
// for each new one.
func changedLines(before, after string) string {
	a, b := strings.SplitAfter(before, "\n"), strings.SplitAfter(after, "\n")
	var out strings.Builder
	common := longestCommon(a, b)
	i, j := 0, 0
	for _, pair := range append(common, [2]int{len(a), len(b)}) {
		for ; i < pair[0]; i++ {
			mark(&out, "- ", a[i])
		}
		for ; j < pair[1]; j++ {
			mark(&out, "+ ", b[j])
		}
		if i < len(a) && j < len(b) {
			mark(&out, "  ", a[i])
		}
		i, j = i+1, j+1
	}
	return out.String()
}

func mark(out *strings.Builder, sign, line string) {
	if line != "" {
		out.WriteString(strings.TrimRight(sign+strings.TrimSuffix(line, "\n"), " ") + "\n")
	}
}

// mostCompared bounds the work for the lines of two answers.
const mostCompared = 1000

// longestCommon returns the places of the lines of a longest common subsequence. Beyond
// mostCompared lines, lines have nothing in common.
func longestCommon(a, b []string) (pairs [][2]int) {
	a, b = a[:min(len(a), mostCompared)], b[:min(len(b), mostCompared)]
	length := make([][]int, len(a)+1)
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			pairs = append(pairs, [2]int{i, j})
			i, j = i+1, j+1
		case length[i+1][j] >= length[i][j+1]:
			i++
		default:
			j++
		}
	}
	return pairs
}

// answers sends the requests after each change, and shows the changes.
type answers struct {
	requests []Request
	before   map[string]string // the last answer, by request
}

// ask sends all requests, and prints the first answer whole, and later answers as a difference.
func (a *answers) ask(ctx context.Context, address string, out io.Writer) {
	if a.before == nil {
		a.before = map[string]string{}
	}
	for _, r := range a.requests {
		now := r.answer(ctx, address)
		if ctx.Err() != nil {
			return
		}
		before, asked := a.before[r.text]
		a.before[r.text] = now
		fmt.Fprint(out, shownAnswer(r.text, before, now, asked))
	}
}

// shownAnswer is the text for an answer.
func shownAnswer(request, before, now string, asked bool) string {
	text, label := now, "answer | "
	switch {
	case asked && before == now:
		return label + request + ": unchanged\n"
	case asked:
		text = changedLines(before, now)
	}
	var b strings.Builder
	b.WriteString(label + request + "\n")
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight(label+"  "+strings.TrimSuffix(line, "\n"), " ") + "\n")
	}
	return b.String()
}
