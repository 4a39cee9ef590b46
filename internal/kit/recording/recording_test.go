package recording

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/mask"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// seg is a segment with headers or trailers, as Envoy writes it.
func seg(id, kind string, headers ...string) string {
	var all []string
	for i := 0; i < len(headers); i += 2 {
		all = append(all, fmt.Sprintf(`{"key":%q,"value":%q,"raw_value":""}`, headers[i], headers[i+1]))
	}
	return fmt.Sprintf(`{"http_streamed_trace_segment":{"trace_id":%q,%q:{"headers":[%s]}}}`, id, kind, strings.Join(all, ","))
}

// body is a segment with a chunk.
func body(id, kind, text string) string {
	return fmt.Sprintf(`{"http_streamed_trace_segment":{"trace_id":%q,%q:{"truncated":%t,"as_bytes":%q}}}`,
		id, kind+"_body_chunk", len(text) > MostBody, base64.StdEncoding.EncodeToString([]byte(text[:min(len(text), MostBody)])))
}

const (
	request  = "request_headers"
	response = "response_headers"
)

// began is the time of the first segment; the next ones follow at intervals of a millisecond.
var began = time.Unix(0, 0)

// take takes segments, and returns the exchanges after a quiet time.
func take(t *testing.T, s *Streams, texts ...string) []Exchange {
	t.Helper()
	now := began
	for _, text := range texts {
		now = now.Add(time.Millisecond)
		if err := s.Take([]byte(text), now); err != nil {
			t.Fatal(err)
		}
		if early := s.Due(now.Add(-Quiet)); len(early) > 0 {
			t.Errorf("%d exchanges are early", len(early))
		}
	}
	return s.Due(now)
}

// The segments of several streams mix, and an answer of the filter itself has one request only.
func TestStreams(t *testing.T) {
	var s Streams
	all := take(
		t, &s, seg("0", response, ":status", "200"), // began before the recording
		seg("1", request, ":path", "/a"), seg("2", request, ":path", "/b"), seg("1", request, ":path", "/a", "x-user", "anna"), seg("1", request, ":path", "/a", "x-user", "anna"),
		body("1", "request", "Hello"), body("1", "request", "hello"), body("1", "request", "hello"), body("2", "request", "secret"),
		seg("1", "request_trailers", "sum", "1"), seg("1", "request_trailers", "sum", "2"), seg("1", "request_trailers", "sum", "2"),
		`{"http_streamed_trace_segment":{"trace_id":"2"}}`, seg("3", request),
		seg("1", response, ":status", "201"), seg("1", response, ":status", "201"), seg("2", response, ":status", "403"), seg("2", response, ":status", "403"), seg("2", response, ":status", "403"),
		body("2", "response", "denied"), body("2", "response", "denied"), body("2", "response", "denied"),
		seg("1", response, ":status", "201", "hello", "world"), body("1", "response", "a"), body("1", "response", "a"), body("1", "response", "b"),
		seg("1", "response_trailers", "end", "1"), seg("1", "response_trailers", "end", "1"), seg("1", "response_trailers", "end", "2"),
	)
	if len(all) != 2 || s.Open() != 1 || s.Dropped != 0 {
		t.Fatalf("%+v, %d open", all, s.Open())
	}
	denied, passed := all[0], all[1]
	if denied.Upstream != nil || denied.Response != nil || denied.Client.Headers.Get(":status") != "403" || denied.Request.Body != "secret" || denied.Client.Body != "denied" {
		t.Errorf("%+v", denied)
	}
	got := fmt.Sprint(passed.Request, *passed.Upstream, *passed.Response, passed.Client)
	if want := "{[{:path /a}] Hello [{sum 1}]} {[{:path /a} {x-user anna}] hello [{sum 2}]} {[{:status 201}] a [{end 1}]} {[{:status 201} {hello world}] b [{end 2}]}"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if err := s.Take([]byte("no JSON"), began); err == nil {
		t.Error("it takes anything")
	}
}

// The oldest streams go first, so a recording never goes blind.
func TestStreamsAreBounded(t *testing.T) {
	var s Streams
	for i := range 3 * mostOpen {
		take(t, &s, seg(fmt.Sprint("open", i), request, ":path", "/"))
	}
	if s.Open() != mostOpen || s.Dropped != 2*mostOpen {
		t.Errorf("%d streams are kept, %d dropped", s.Open(), s.Dropped)
	}
	answers := []string{seg("new", request, ":path", "/new")}
	for range afterAndBefore {
		answers = append(answers, seg("new", response, ":status", "200"))
	}
	if all := take(t, &s, answers...); len(all) != 1 || all[0].Request.Headers.Get(":path") != "/new" {
		t.Errorf("a new stream gives %+v", all)
	}
	for i := range 100 {
		take(t, &s, seg(fmt.Sprint("large", i), request, ":path", strings.Repeat("x", 1<<20)))
	}
	if s.bytes > mostOpenBytes || s.Open() == 0 {
		t.Errorf("%d bytes in %d streams", s.bytes, s.Open())
	}
}

// A large body is left out, and the rest of its exchange stays.
func TestLargeBodies(t *testing.T) {
	for name, chunks := range map[string][]string{
		"one chunk": {strings.Repeat("x", MostBody+1)}, "several": {strings.Repeat("x", MostBody), "y"}, "many": strings.Split(strings.Repeat("x ", 2*mostChunks), " "),
	} {
		var s Streams
		segments := []string{seg("1", request), seg("1", request), seg("1", request)}
		for _, c := range chunks {
			segments = append(segments, body("1", "request", c), body("1", "request", c), body("1", "request", c))
		}
		segments = append(segments, seg("1", response), seg("1", response), seg("1", response))
		if all := take(t, &s, segments...); len(all) != 1 || all[0].NoBodies != GapLarge || all[0].Request.Body != "" || s.bytes != 0 {
			t.Errorf("%s: %d exchanges, %d bytes", name, len(all), s.bytes)
		}
	}
}

// No secret is left at any place.
func TestSecretsAreMasked(t *testing.T) {
	config := `{"key":"configured-secret"}`
	var b mask.Builder
	b.Config(&config, spec.ConfigString)
	headers := Headers{
		{":path", "/?sig=query-secret&empty&a=configured-secret"},
		{"authorization", "Bearer bearer-secret"},
		{"cookie", "session=cookie-secret"},
		{"x-api-key", "key-secret"},
		{"x-auth-token", "token-secret"},
		{"x-mine", "mine-secret"},
		{"x-plain", "plain"},
	}
	m := Masking{Mask: []string{"x-mine"}, Query: true, Spec: b.Mask()}
	tests := Tests{Most: 3}
	tests.Add(m.Hide(Exchange{
		Request: Message{headers, `{"name": "plain name", "apiKey" : "field-secret", "pin": 123456, "again": "bearer-secret"}`, Headers{{"x-signature", "trailer-secret"}}},
		Upstream: &Message{
			append(headers[:7:7], Header{"x-copied", "it was bearer-secret, field-secret and query-secret"}),
			"it has configured-secret and token-secret", nil,
		},
		Response: &Message{Headers{{":status", "200"}, {"set-cookie", "a=answer-secret"}}, "user=anna&password=form-secret&x=form-secret", nil},
		Client:   Message{Headers{{":status", "200"}, {"set-cookie", "a=answer-secret"}, {"location", "/?a=query-secret"}}, "trailer-secret", nil},
	}))
	text, err := tests.Items(func(string) bool { return true })
	if err != nil || strings.Contains(string(text), "-secret") || strings.Contains(string(text), "123456") ||
		!strings.Contains(string(text), "x-plain: plain") || !strings.Contains(string(text), "it was masked") || !strings.Contains(string(text), "plain name") {
		t.Errorf("%v\n%s", err, text)
	}
	if got := strings.Join(m.Masked(), " "); got != "a apikey authorization cookie password pin set-cookie sig x-api-key x-auth-token x-mine x-signature" {
		t.Error(got)
	}
	kept := Masking{Keep: []string{"token"}}
	if e := kept.Hide(Exchange{Request: Message{Headers: Headers{{"token", "7"}}}}); e.Request.Headers.Get("token") != "7" || e.Upstream != nil {
		t.Errorf("%+v", e)
	}
	for _, binary := range []Message{{Body: "\xff\x00 bearer-secret"}, {Headers: Headers{{"content-encoding", "gzip"}}, Body: "x"}} {
		if e := m.Hide(Exchange{Request: Message{Body: "text"}, Client: binary}); e.NoBodies != GapBinary || e.Request.Body+e.Client.Body != "" {
			t.Errorf("%+v", e)
		}
	}
}

// Tests are bounded, have each exchange once, and decode as those of a spec.
func TestTests(t *testing.T) {
	exchange := func(path, id, body string) Exchange {
		return Exchange{
			Request:  Message{Headers{{":method", "GET"}, {":path", path}, {":authority", "a.example"}, {"x-request-id", id}, {"gone", "1"}, {"list", "a"}, {"list", "b"}}, body, Headers{{"sum", "1"}}},
			Upstream: &Message{Headers{{":method", "GET"}, {":path", path}, {"x-request-id", id}, {"list", "a"}, {"list", "b"}}, body, nil},
			Response: &Message{Headers{{":status", "200"}}, body, nil}, Client: Message{Headers{{":status", "200"}, {"hello", "yes"}}, body + "!", nil},
		}
	}
	tests := Tests{Most: 6, Taken: map[string]bool{"GET /a answers 200": true}}
	for i := range 9 {
		tests.Add(exchange("/a", fmt.Sprint(i), ""))
	}
	tests.Add(exchange("/a?b", "", ""))
	tests.Add(exchange("/"+strings.Repeat("x", mostBytes), "", ""))
	bodies := []string{" leading\n\n  and: \"quotes\" # \\ \t'\r\nend \n\n", "- 1", "null", "{a: b}", "|\n x", "true"}
	for _, body := range bodies {
		tests.Add(exchange("/c", "", body))
	}
	if tests.Len() != 6 || tests.Twice != 8 || tests.Large != 1 {
		t.Errorf("%d tests, %d twice, %d large", tests.Len(), tests.Twice, tests.Large)
	}
	text, err := tests.Items(func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	specs, errs, _ := spec.Decode("auth.yaml", append([]byte("name: auth\nmodule: {file: a.wasm}\ntests:\n"), text...))
	if len(errs) > 0 || len(specs[0].Tests) != 6 || strings.Contains(string(text), "request-id") || !strings.Contains(string(text), "gone: null") || specs[0].Tests[0].Name != "GET /a answers 200 (2)" {
		t.Fatalf("%v in\n%s", errs, text)
	}
	for i, test := range specs[0].Tests[2:] {
		step := test.Steps[0]
		if got, want := strings.Join(step.HTTP.Request.Body, ""), bodies[i]; got != want || strings.Join(step.Expect.Response.Body, "") != want+"!" {
			t.Errorf("the body %q has become %q", want, got)
		}
	}
	if items, err := tests.Items(func(name string) bool { return strings.HasPrefix(name, "GET /a ") }); err != nil || strings.Count(string(items), "- name:") != 2 {
		t.Errorf("%v\n%s", err, items)
	}
}

func TestFind(t *testing.T) {
	const tap = `{"name":"t","typed_config":{"common_config":{"admin_config":{"config_id":"wasm-xds"}}}}`
	for filters, want := range map[string]Place{
		tap + `,{"name":"auth"},` + tap + `,` + tap:              {true, true},
		tap + `,{"name":"auth"},` + tap:                          {true, false},
		tap + `,{"name":"auth"}`:                                 {true, false},
		`{"name":"auth"},` + tap + `,` + tap:                     {true, false},
		tap + `,{"name":"a"},{"name":"auth"},` + tap + `,` + tap: {true, false},
		tap: {},
	} {
		got, err := Find([]byte(`{"configs":[{"x":{"http_filters":[`+filters+`]}}]}`), "auth")
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", filters, got, err)
		}
	}
	if p := Patch("auth"); strings.Count(p, "+- name:") != 3 || !strings.Contains(p, ConfigID) {
		t.Error(p)
	}
}
