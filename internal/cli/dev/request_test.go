package dev

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestParseRequest(t *testing.T) {
	for _, text := range []string{"", "GET", "GET x", "GET / token", "GET / =7", "GE(T /", "GET / a b=1", "GET /%zz"} {
		if r, err := ParseRequest(text); err == nil {
			t.Errorf("%q: %+v", text, r)
		}
	}
	r, err := ParseRequest("POST /a?b=c token=7 token=8 host=example.com x= user-agent=me -- some  text -- more")
	if err != nil {
		t.Fatal(err)
	}
	request, err := r.build(t.Context(), "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if request.Method != "POST" || request.URL.RequestURI() != "/a?b=c" || request.Host != "example.com" || r.body != "some  text -- more" {
		t.Errorf("%+v %q", request, r.body)
	}
	if got := strings.Join(request.Header.Values("token"), " "); got != "7 8" || request.Header.Get("user-agent") != "me" {
		t.Errorf("%v", request.Header)
	}
}

func TestAnswers(t *testing.T) {
	greeting := "world"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("hello", greeting)
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte("line\nwith \x1b[31m\n" + r.Header.Get("token") + "\n"))
	}))
	defer server.Close()
	r, err := ParseRequest("GET / token=7")
	if err != nil {
		t.Fatal(err)
	}
	a := answers{requests: []Request{r}}
	ask := func() string {
		var out strings.Builder
		a.ask(t.Context(), server.Listener.Addr().String(), &out)
		return out.String()
	}
	first := ask()
	want := "answer | GET / token=7\nanswer |   HTTP/1.1 200 OK\nanswer |   content-length: 18\nanswer |   content-type: text/plain\n" +
		"answer |   hello: world\nanswer |\nanswer |   line\nanswer |   with \uFFFD[31m\nanswer |   7\n"
	if first != want {
		t.Errorf("%q", first)
	}
	if got := ask(); got != "answer | GET / token=7: unchanged\n" {
		t.Errorf("%q", got)
	}
	greeting = "goodbye"
	if got := ask(); !strings.Contains(got, "answer |   - hello: world\nanswer |   + hello: goodbye\n") || strings.Contains(got, "- content-type") {
		t.Errorf("%q", got)
	}
	server.Close()
	if got := ask(); !strings.Contains(got, "- HTTP/1.1 200 OK") || !strings.Contains(got, "+ no answer: ") {
		t.Errorf("%q", got)
	}
}

func TestChangedLines(t *testing.T) {
	for _, tt := range []struct{ before, after, want string }{
		{"a\nb\nc\n", "a\nc\n", "  a\n- b\n  c\n"},
		{"a\n", "a\nb\n", "  a\n+ b\n"},
		{"", "a\n", "+ a\n"},
		{"x\na\n", "y\na\n", "- x\n+ y\n  a\n"},
		{"a\na\n", "a\n", "- a\n  a\n"},
	} {
		got := changedLines(tt.before, tt.after)
		if strings.Count(got, "-") != strings.Count(tt.want, "-") || strings.Count(got, "+") != strings.Count(tt.want, "+") {
			t.Errorf("%q → %q: %q", tt.before, tt.after, got)
		}
	}
}

func TestCheckUpstream(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "http://127.0.0.1": "http://127.0.0.1:80", "https://example.com/": "https://example.com:443/", "tcp://[::1]:9": "tcp://[::1]:9",
	} {
		if got := text; CheckUpstream(&got) != nil || got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	for _, text := range []string{"127.0.0.1:80", "ftp://a", "http://", "http://a/b", "tcp://a", "http://u:p@a", "http://a?b"} {
		if got := text; CheckUpstream(&got) == nil {
			t.Errorf("%q: %q", text, got)
		}
	}
}
