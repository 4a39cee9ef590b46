package recording

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/mask"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// seg is a segment of a stream, as Envoy writes it.
func seg(id, kind string, headers ...string) string {
	var all []string
	for i := 0; i < len(headers); i += 2 {
		all = append(all, fmt.Sprintf(`{"key":%q,"value":%q,"raw_value":""}`, headers[i], headers[i+1]))
	}
	return fmt.Sprintf(`{"http_streamed_trace_segment":{"trace_id":%q,%q:{"headers":[%s]}}}`, id, kind, strings.Join(all, ","))
}

func take(t *testing.T, s *Segments, texts ...string) (all []Exchange) {
	t.Helper()
	for _, text := range texts {
		e, ok, err := s.Take([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			all = append(all, e)
		}
	}
	return all
}

const (
	request  = "request_headers"
	response = "response_headers"
)

// The segments of several streams mix, and an answer of the filter itself has one request only.
func TestSegments(t *testing.T) {
	var s Segments
	all := take(
		t, &s, seg("0", response, ":status", "200"), // began before the recording
		seg("1", request, ":path", "/a"), seg("2", request, ":path", "/b"), seg("1", request, ":path", "/a", "x-user", "anna"),
		`{"http_streamed_trace_segment":{"trace_id":"2"}}`,
		seg("1", response, ":status", "201"), seg("2", response, ":status", "403"), seg("2", response, ":status", "403"),
		seg("1", response, ":status", "201", "hello", "world"),
	)
	if len(all) != 2 || all[0].Upstream != nil || all[0].Client.Get(":status") != "403" || all[1].Upstream.Get("x-user") != "anna" ||
		all[1].Response.Get("hello") != "" || all[1].Client.Get("hello") != "world" || len(s.open) != 0 {
		t.Errorf("%+v, %d open", all, len(s.open))
	}
	for i := range 3 * mostOpen {
		take(t, &s, seg(fmt.Sprint("open", i), request, ":path", "/"))
	}
	if len(s.open) > mostOpen {
		t.Errorf("%d streams are kept", len(s.open))
	}
	if _, _, err := s.Take([]byte("no JSON")); err == nil {
		t.Error("it takes anything")
	}
}

// No secret is left at any place.
func TestSecretsAreMasked(t *testing.T) {
	config := `{"key":"configured-secret"}`
	var b mask.Builder
	b.Config(&config, spec.ConfigString)
	secrets := Message{
		{":path", "/?sig=query-secret&empty&a=configured-secret"},
		{"authorization", "Bearer bearer-secret"},
		{"cookie", "session=cookie-secret"},
		{"x-api-key", "key-secret"},
		{"x-auth-token", "token-secret"},
		{"x-mine", "mine-secret"},
		{"x-plain", "plain"},
	}
	m := Masking{Mask: []string{"x-mine"}, Query: true, Spec: b.Mask()}
	var tests Tests
	tests.Most = 1
	tests.Add(m.Hide(Exchange{
		Request:  secrets,
		Upstream: append(secrets[:7:7], Header{"x-copied", "it was bearer-secret"}),
		Response: Message{{":status", "200"}, {"set-cookie", "a=answer-secret"}},
		Client:   Message{{":status", "200"}, {"set-cookie", "a=answer-secret"}, {"location", "/?a=query-secret"}},
	}))
	text, err := tests.YAML()
	if err != nil || strings.Contains(string(text), "-secret") || !strings.Contains(string(text), "x-plain: plain") || !strings.Contains(string(text), "it was masked") {
		t.Errorf("%v\n%s", err, text)
	}
	if got := strings.Join(m.Masked(), " "); got != "authorization cookie set-cookie x-api-key x-auth-token x-mine" {
		t.Error(got)
	}
	kept := Masking{Keep: []string{"token"}}
	if e := kept.Hide(Exchange{Request: Message{{"token", "7"}}}); e.Request.Get("token") != "7" || e.Upstream != nil {
		t.Errorf("%+v", e)
	}
}

// Tests are bounded, have each exchange once, and decode as those of a spec.
func TestTests(t *testing.T) {
	exchange := func(path, id string) Exchange {
		return Exchange{
			Request:  Message{{":method", "GET"}, {":path", path}, {"x-request-id", id}, {"gone", "1"}, {"list", "a"}, {"list", "b"}},
			Upstream: Message{{":method", "GET"}, {":path", path}, {"x-request-id", id}, {"list", "a"}, {"list", "b"}},
			Response: Message{{":status", "200"}}, Client: Message{{":status", "200"}, {"hello", "yes"}},
		}
	}
	tests := Tests{Most: 3}
	for i := range 9 {
		tests.Add(exchange("/a", fmt.Sprint(i)))
	}
	tests.Add(exchange("/a?b", ""))
	tests.Add(exchange("/"+strings.Repeat("x", mostBytes), ""))
	tests.Add(exchange("/c", ""))
	tests.Add(exchange("/d", ""))
	if tests.Len() != 3 || tests.Twice != 8 || tests.Large != 1 {
		t.Errorf("%d tests, %d twice, %d large", tests.Len(), tests.Twice, tests.Large)
	}
	text, err := tests.YAML()
	if err != nil {
		t.Fatal(err)
	}
	specs, errs, _ := spec.Decode("auth.yaml", append([]byte("name: auth\nmodule: {file: a.wasm}\n"), text...))
	if len(errs) > 0 || len(specs[0].Tests) != 3 || strings.Contains(string(text), "request-id") || !strings.Contains(string(text), "gone: null") {
		t.Errorf("%v in\n%s", errs, text)
	}
}

func TestFind(t *testing.T) {
	const tap = `{"name":"t","typed_config":{"common_config":{"admin_config":{"config_id":"wasm-xds"}}}}`
	for filters, want := range map[string]Place{
		tap + `,{"name":"auth"},` + tap:              {true, true},
		tap + `,{"name":"auth"}`:                     {true, false},
		`{"name":"auth"},` + tap:                     {true, false},
		tap + `,{"name":"a"},{"name":"auth"},` + tap: {true, false},
		tap: {},
	} {
		got, err := Find([]byte(`{"configs":[{"x":{"http_filters":[`+filters+`]}}]}`), "auth")
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", filters, got, err)
		}
	}
	if p := Patch("auth"); strings.Count(p, "+- name:") != 2 || !strings.Contains(p, ConfigID) {
		t.Error(p)
	}
}
