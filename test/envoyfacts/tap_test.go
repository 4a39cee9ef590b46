package envoyfacts

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// tapBootstrap has a filter between taps: one tap before it, and two after it. The filter adds a
// header to each message, replaces each body as a whole, and answers /deny by itself.
const tapBootstrap = `
node: {id: a, cluster: b}
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
static_resources:
  listeners:
  - name: web
    address: {socket_address: {address: 127.0.0.1, port_value: %d}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: upstream}}]}]}
          http_filters:
          - &tap {name: tap, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.tap.v3.Tap, common_config: {admin_config: {config_id: facts}}}}
          - name: between
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
              default_source_code:
                inline_string: |
                  function envoy_on_request(r)
                    r:headers():add("seen", "1")
                    if r:headers():get(":path") == "/deny" then
                      r:respond({[":status"] = "403"}, "denied")
                    elseif r:headers():get(":path") == "/change" then
                      r:body(true):setBytes("changed")
                    end
                  end
                  function envoy_on_response(r) r:headers():add("left", "1") end
          - *tap
          - *tap
          - {name: envoy.filters.http.router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
  clusters:
  - name: upstream
    load_assignment: {cluster_name: upstream, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %s}}}}]}]}
`

// tapped is an Envoy with taps.
type tapped struct {
	*harness.EnvoyProcess
	t       *testing.T
	address string
}

func startTapped(t *testing.T, version string) *tapped {
	t.Helper()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "answer")
	}))
	t.Cleanup(upstream.Close)
	port := harness.FreePort(t)
	_, to, _ := strings.Cut(upstream.Listener.Addr().String(), ":")
	e := &tapped{harness.StartEnvoy(t, harness.EnvoyOptions{Version: version, Bootstrap: fmt.Sprintf(tapBootstrap, port, to)}), t, harness.Loopback(port)}
	e.WaitReady()
	return e
}

// tap begins a tap. The caller closes the answer.
func (e *tapped) tap(id string, streaming bool) *http.Response {
	e.t.Helper()
	body := fmt.Sprintf(`{"config_id": %q, "tap_config": {"match": {"any_match": true}, "output_config": {"streaming": %t, `+
		`"max_buffered_rx_bytes": 8, "max_buffered_tx_bytes": 8, "sinks": [{"streaming_admin": {}}]}}}`, id, streaming)
	request, err := http.NewRequestWithContext(e.t.Context(), http.MethodPost, e.AdminURL()+"/tap", strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		e.t.Fatal(err)
	}
	return response
}

func (e *tapped) send(path, body string) {
	e.t.Helper()
	request, err := http.NewRequestWithContext(e.t.Context(), http.MethodPost, "http://"+e.address+path, strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		e.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
}

// part is a segment in short: the kind of the message, and its headers of the filter or its bytes.
func part(text json.RawMessage) (id, part string) {
	var one struct {
		Segment map[string]json.RawMessage `json:"http_streamed_trace_segment"`
	}
	_ = json.Unmarshal(text, &one) // another text has no segment
	for name, value := range one.Segment {
		if name == "trace_id" {
			_ = json.Unmarshal(value, &id)
			continue
		}
		var message struct {
			Headers   []struct{ Key, Value string }
			Bytes     []byte `json:"as_bytes"`
			Truncated bool
		}
		_ = json.Unmarshal(value, &message)
		part = name
		for _, h := range message.Headers {
			if h.Key == "seen" || h.Key == "left" {
				part += " " + h.Key
			}
		}
		if strings.HasSuffix(name, "_chunk") {
			part += " " + string(message.Bytes)
		}
		if message.Truncated {
			part += "…"
		}
	}
	return id, part
}

// parts are a number of segments, without empty segments and those of empty chunks. All have one
// trace ID.
func parts(t *testing.T, from *json.Decoder, n int) (all []string) {
	t.Helper()
	trace := ""
	for len(all) < n {
		var text json.RawMessage
		if err := from.Decode(&text); err != nil {
			t.Fatalf("%v after %q", err, all)
		}
		id, one := part(text)
		if trace == "" {
			trace = id
		}
		if id == "" || id != trace {
			t.Errorf("the trace ID of %s is %q, before %q", one, id, trace)
		}
		if one != "" && !strings.HasSuffix(one, "_chunk ") {
			all = append(all, one)
		}
	}
	return all
}

// A tap that streams writes each part of a message at once. So a request shows up before the filter
// first, a response after the filter first, and two taps side by side write each part twice.
func TestStreamedTapsWriteInTheOrderOfTheFilters(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e := startTapped(t, version)
		answer := e.tap("facts", true)
		defer answer.Body.Close()
		segments := json.NewDecoder(answer.Body)
		const (
			request, requestBody   = "request_headers", "request_body_chunk"
			response, responseBody = "response_headers", "response_body_chunk"
		)
		for _, tt := range []struct {
			path, body string
			want       []string
		}{
			{"/pass", "hello", []string{
				request, request + " seen", request + " seen", requestBody + " hello", requestBody + " hello", requestBody + " hello",
				response, response, response + " left", responseBody + " answer", responseBody + " answer", responseBody + " answer",
			}},
			{"/change", "a long body", []string{ // cut after eight bytes
				request, requestBody + " a long b…", request + " seen", request + " seen", requestBody + " changed", requestBody + " changed",
				response, response, response + " left", responseBody + " answer", responseBody + " answer", responseBody + " answer",
			}},
			{"/deny", "", []string{
				request,
				response, response, response + " left", responseBody + " denied", responseBody + " denied", responseBody + " denied",
			}},
		} {
			e.send(tt.path, tt.body)
			if got := parts(t, segments, len(tt.want)); !slices.Equal(got, tt.want) {
				t.Errorf("%s:\n%s\nwant\n%s", tt.path, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		}
	})
}

// A tap that buffers writes a message at its end, with the changes of all filters: no tap shows the
// headers of the client.
func TestBufferedTapsWriteChangedHeaders(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e := startTapped(t, version)
		answer := e.tap("facts", false)
		defer answer.Body.Close()
		e.send("/pass", "")
		segments := json.NewDecoder(answer.Body)
		for range 3 {
			var trace struct {
				Trace struct {
					Request struct{ Headers []struct{ Key string } }
				} `json:"http_buffered_trace"`
			}
			if err := segments.Decode(&trace); err != nil {
				t.Fatal(err)
			}
			if headers := trace.Trace.Request.Headers; !slices.Contains(headers, struct{ Key string }{"seen"}) {
				t.Errorf("a tap shows %v", headers)
			}
		}
	})
}

// Envoy's admin has one tap at a time. The end of the connection ends the tap.
func TestOneTapAtATime(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e := startTapped(t, version)
		refusal := func(id string) string {
			response := e.tap(id, true)
			defer response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return ""
			}
			text, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		if got := refusal("other"); !strings.Contains(got, "Unknown config id 'other'") {
			t.Errorf("an unknown ID: %q", got)
		}
		first := e.tap("facts", true)
		if got := refusal("facts"); !strings.Contains(got, "An attached /tap admin stream already exists") {
			t.Errorf("a second tap: %q", got)
		}
		_ = first.Body.Close()
		if !harness.Poll(t.Context(), func() bool { return refusal("facts") == "" }) {
			t.Error("the first tap is not over")
		}
	})
}
