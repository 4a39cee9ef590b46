package main

import (
	"bytes"
	"errors"
	"strconv"
	"time"

	"github.com/wasm-xds/wasm-xds/examples/envoy/src/proxywasm"
)

const tickPeriod = 20 * time.Millisecond

// stream is one request with its response.
type stream struct {
	proxywasm.BaseHTTP
	plugin *plugin
	path   string
}

// OnRequestHeaders chooses the behaviour by the path.
func (s *stream) OnRequestHeaders(count int, _ bool) proxywasm.Action {
	s.path = must(proxywasm.RequestHeaders.Get(":path"))
	check(s.plugin.counter.Add(1))
	switch s.path {
	case "/call":
		return s.call()
	case "/tick":
		s.plugin.waiting = append(s.plugin.waiting, proxywasm.CurrentContext())
		return proxywasm.Pause
	case "/refuse":
		check(proxywasm.SendLocalResponse(proxywasm.LocalResponse{
			Status: 418, Headers: []proxywasm.Header{{Name: "x-why", Value: "teapot"}}, Body: []byte("no coffee\n"),
		}))
		return proxywasm.Pause
	case "/headers":
		headers(count)
	case "/all":
		all := must(proxywasm.RequestHeaders.All())
		check(proxywasm.RequestHeaders.SetAll(append(all, proxywasm.Header{Name: "x-all", Value: "yes"})))
	case "/body":
		check(proxywasm.RequestHeaders.Remove("content-length"))
	case "/data":
		data()
	case "/queue":
		queue()
	case "/properties":
		s.properties()
	case "/metrics":
		metrics()
	case "/log":
		s.log()
	}
	return proxywasm.Continue
}

// call asks a service. A response with the status 200 lets the request pass.
func (s *stream) call() proxywasm.Action {
	token, err := proxywasm.RequestHeaders.Get("token")
	if errors.Is(err, proxywasm.ErrNotFound) {
		token = "none"
	}
	check(proxywasm.HTTPCall(proxywasm.HTTPRequest{
		Cluster: "auth", Method: "POST", Path: "/check", Body: []byte("token=" + token),
		Headers: []proxywasm.Header{{Name: "x-token", Value: token}}, Timeout: 2 * time.Second,
	}, func(r proxywasm.HTTPResponse) {
		status, _ := proxywasm.CallResponseHeaders.Get(":status")
		if r.Failed() || status != "200" {
			refusal := proxywasm.LocalResponse{Status: 503, Body: []byte("no answer\n"), Details: "auth_failed"}
			if status == "401" {
				refusal.Status, refusal.Body = 403, must(proxywasm.CallResponseBody.Bytes())
			}
			check(proxywasm.SendLocalResponse(refusal))
			return
		}
		check(proxywasm.RequestHeaders.Replace("x-user", must(proxywasm.CallResponseHeaders.Get("x-user"))))
		check(proxywasm.RequestHeaders.Replace("x-answer", string(must(proxywasm.CallResponseBody.Read(0, r.BodySize)))))
		check(proxywasm.ContinueRequest())
	}))
	return proxywasm.Pause
}

// headers changes the headers of a request in each way.
func headers(count int) {
	all := must(proxywasm.RequestHeaders.All())
	if len(all) != count || must(proxywasm.RequestHeaders.Size()) == 0 {
		panic("there are " + strconv.Itoa(len(all)) + " headers, not " + strconv.Itoa(count))
	}
	if _, err := proxywasm.RequestHeaders.Get("x-none"); !errors.Is(err, proxywasm.ErrNotFound) {
		panic(err)
	}
	check(proxywasm.RequestHeaders.Add("x-many", "2"))
	check(proxywasm.RequestHeaders.Replace("x-old", "new"))
	check(proxywasm.RequestHeaders.Remove("x-gone"))
}

// OnRequestBody waits for the whole body, and changes it.
func (s *stream) OnRequestBody(size int, endOfStream bool) proxywasm.Action {
	if s.path != "/body" {
		return proxywasm.Continue
	}
	if !endOfStream {
		return proxywasm.Pause
	}
	if got := must(proxywasm.RequestBody.Size()); got != size {
		panic("the body has " + strconv.Itoa(got) + " bytes, not " + strconv.Itoa(size))
	}
	check(proxywasm.RequestBody.Set(bytes.ToUpper(must(proxywasm.RequestBody.Bytes()))))
	check(proxywasm.RequestBody.Prepend([]byte("<")))
	check(proxywasm.RequestBody.Append([]byte(">")))
	return proxywasm.Continue
}

// OnResponseHeaders says which plugin the request went through.
func (s *stream) OnResponseHeaders(int, bool) proxywasm.Action {
	check(proxywasm.ResponseHeaders.Replace("x-plugin", s.plugin.rootID+"/"+s.plugin.configuration))
	return proxywasm.Continue
}
