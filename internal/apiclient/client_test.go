package apiclient_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/test/apitest"
)

// TestQuestions asks a real API each question.
func TestQuestions(t *testing.T) {
	server := apitest.Start(t, apitest.LiveFilter("team/auth"))
	server.Histories = map[string]api.History{"team/auth": {Name: "team/auth"}}
	server.Limits = []api.Limit{{Name: "names"}}
	server.Certificates = []api.Certificate{{Ports: []string{"xds"}}}
	server.Visitors = []api.Visitor{{Port: "xds"}}
	server.Nodes = []api.Node{
		{ID: "edge-1", State: api.NodeConnected, Filters: []api.NodeFilter{{Name: "team/auth"}}},
		{ID: "edge-2", State: api.NodeGone},
	}
	var decided []string
	decide := func(decision, name, revision string) (api.Filter, *api.Error) {
		decided = append(decided, decision+" "+name+"@"+revision)
		return api.Filter{Name: name}, nil
	}
	server.Decide = decide
	server.Rollback = func(name, revision string) (api.Filter, *api.Error) { return decide("rollback", name, revision) }
	server.Forget = func(name string) (api.Forgotten, *api.Error) { return api.Forgotten{Name: name}, nil }
	c, ctx := apiclient.New(apiclient.Config{Address: server.Address}), t.Context()

	filters, err := c.Filters(ctx)
	check(t, "filters", err, len(filters) == 1 && filters[0].Condition == api.ConditionLive)
	f, err := c.Filter(ctx, "team/auth")
	check(t, "filter", err, f.Name == "team/auth" && f.Condition == api.ConditionLive)
	h, err := c.History(ctx, "team/auth")
	check(t, "history", err, h.Name == "team/auth")
	nodes, err := c.Nodes(ctx, "")
	check(t, "nodes", err, len(nodes) == 2)
	nodes, err = c.Nodes(ctx, "team/auth")
	check(t, "nodes of a filter", err, len(nodes) == 1)
	source, err := c.Source(ctx)
	check(t, "source", err, source.Directory == "/specs")
	limits, err := c.Limits(ctx)
	check(t, "limits", err, len(limits) == 1)
	certificates, err := c.Certificates(ctx)
	check(t, "certificates", err, len(certificates) == 1)
	visitors, err := c.Visitors(ctx)
	check(t, "visitors", err, len(visitors) == 1)
	synced, err := c.Sync(ctx, time.Hour)
	check(t, "sync", err, len(synced.Filters) == 1)
	f, err = c.Rollback(ctx, "team/auth", "01", false)
	check(t, "rollback", err, f.Name == "team/auth")
	f, err = c.Retry(ctx, "team/auth", "")
	check(t, "retry", err, f.Name == "team/auth")
	f, err = c.Promote(ctx, "team/auth")
	check(t, "promote", err, f.Name == "team/auth")
	done, err := c.Forget(ctx, "team/auth")
	check(t, "forget", err, done.Name == "team/auth")
	if got, want := strings.Join(decided, ", "), "rollback team/auth@01, retry team/auth@, promote team/auth@"; got != want {
		t.Errorf("decided: %s, want %s", got, want)
	}
	_, err = c.Filter(ctx, "team/auht")
	wantError(t, err, api.CodeNoFilter, `did you mean "team/auth"?`)
}

func check(t *testing.T, question string, err error, good bool) {
	t.Helper()
	if err != nil || !good {
		t.Errorf("%s: %v, good %v", question, err, good)
	}
}

func wantError(t *testing.T, err error, code, hint string) {
	t.Helper()
	e := &api.Error{}
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Hint, hint) {
		t.Errorf("got %v, want %s with a hint of %q", err, code, hint)
	}
}

// An earlier version of the server has neither limits nor visitors, and no conditions.
func TestAnEarlierServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/filters" {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"error":{"code":"not_found","message":"there is nothing"}}`))
			return
		}
		_, _ = w.Write([]byte(`[{"name":"auth","state":"active","revision":"01","subscribers":[{"node":"a","state":"live","revision":"01"}]}]`))
	}))
	defer server.Close()
	c := apiclient.New(apiclient.Config{Address: server.Listener.Addr().String()})
	limits, err := c.Limits(t.Context())
	check(t, "limits", err, limits == nil)
	visitors, err := c.Visitors(t.Context())
	check(t, "visitors", err, visitors == nil)
	filters, err := c.Filters(t.Context())
	check(t, "filters", err, len(filters) == 1 && filters[0].Condition != "" && filters[0].Envoys.Total == 1)
	_, err = c.Source(t.Context())
	wantError(t, err, api.CodeNotFound, "")
}

func TestErrorsOnTheWay(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = apiclient.New(apiclient.Config{Address: closed}).Filters(t.Context())
	wantError(t, err, apiclient.CodeNoServer, "wasm-xds serve")
	_, port, _ := net.SplitHostPort(closed)
	_, err = apiclient.New(apiclient.Config{Address: net.JoinHostPort("0.0.0.0", port)}).Filters(t.Context())
	wantError(t, err, apiclient.CodeNoServer, "wasm-xds serve")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = apiclient.New(apiclient.Config{Address: "192.0.2.1:1"}).Filters(ctx)
	wantError(t, err, apiclient.CodeNoServer, "run this command there")

	answers := map[string]struct {
		status int
		body   string
	}{
		"/api/v1/filters":      {http.StatusOK, "<html>"},
		"/api/v1/source":       {http.StatusBadGateway, "<html>"},
		"/api/v1/filters/auth": {http.StatusInternalServerError, `{}`},
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := answers[r.URL.Path]
		w.WriteHeader(answer.status)
		_, _ = w.Write([]byte(answer.body))
	}))
	defer other.Close()
	c := apiclient.New(apiclient.Config{Address: other.Listener.Addr().String()})
	_, err = c.Filters(t.Context())
	wantError(t, err, apiclient.CodeBadAnswer, "of this version")
	_, err = c.Source(t.Context())
	wantError(t, err, apiclient.CodeBadAnswer, "is it a wasm-xds?")
	_, err = c.Filter(t.Context(), "auth")
	wantError(t, err, apiclient.CodeBadAnswer, "is it a wasm-xds?")
}

func TestOnChange(t *testing.T) {
	server := apitest.Start(t)
	c := apiclient.New(apiclient.Config{Address: server.Address})
	looks := 0
	err := c.OnChange(t.Context(), func() (bool, error) {
		if looks++; looks == 1 {
			server.Publish(api.Event{Type: api.EventFilter, Name: "auth"})
			return false, nil
		}
		return true, nil
	})
	if err != nil || looks != 2 {
		t.Errorf("%d looks, %v", looks, err)
	}
	failed := errors.New("failed")
	if err := c.OnChange(t.Context(), func() (bool, error) { return false, failed }); !errors.Is(err, failed) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = c.OnChange(ctx, func() (bool, error) { cancel(); return false, nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestOnChangeEndsWithTheServer(t *testing.T) {
	defer goleak.VerifyNone(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	defer server.Close()
	err := apiclient.New(apiclient.Config{Address: server.Listener.Addr().String()}).OnChange(t.Context(), func() (bool, error) { return false, nil })
	wantError(t, err, apiclient.CodeServerGone, "")
}
