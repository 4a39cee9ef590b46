package webhook

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// TestOfUsers: each receiver gets one signed message, and its outcome says what the receiver has
// answered. A failed test leaves the queue and the state of the receiver as they were.
func TestOfUsers(t *testing.T) {
	good, bad := newTarget(t), newTarget(t, http.StatusForbidden)
	s := run(t, &memory{}, Config{URLs: []string{good.URL + "/a?token=x", bad.URL, "http://127.0.0.1:1/"}, SecretFile: secretFile(t, secretText)})
	outcomes, e := s.Test(t.Context(), "", "deploy")
	if e != nil {
		t.Fatal(e)
	}
	for i, want := range []struct {
		taken           bool
		status, problem string
	}{{true, "204 No Content", ""}, {false, "403 Forbidden", "answers 403"}, {false, "", "connection refused"}} {
		one := outcomes[i]
		if one.Taken != want.taken || one.Status != want.status || !one.Signed || (one.Error == nil) != want.taken ||
			one.Error != nil && (!strings.Contains(one.Error.Message, want.problem) || one.Error.Hint == "") {
			t.Errorf("receiver %d: %+v, %v", i, one, one.Error)
		}
	}
	got := <-good.got
	verify(t, secretText, got)
	var m api.WebhookMessage
	if err := json.Unmarshal(got.body, &m); err != nil {
		t.Fatal(err)
	}
	if m.ID != outcomes[0].ID || m.Type != api.EventTest || m.Data.By != "deploy" || m.Data.Message == "" || m.Server.Host != "control" || m.Timestamp.IsZero() {
		t.Errorf("the message is %+v", m)
	}
	for _, one := range s.State() {
		if one.Waiting != 0 || one.Error != nil {
			t.Errorf("after the test: %+v", one)
		}
	}
	s.stop()
	if s.metrics.taken+s.metrics.failed != 0 {
		t.Errorf("the test is counted as a message: %+v", s.metrics)
	}
}

// TestOfOneReceiver: a URL chooses its receiver, and never reaches another host.
func TestOfOneReceiver(t *testing.T) {
	one, other := newTarget(t), newTarget(t)
	s := run(t, &memory{}, Config{URLs: []string{one.URL, other.URL}})
	outcomes, e := s.Test(t.Context(), other.URL, "")
	if e != nil || len(outcomes) != 1 || !outcomes[0].Taken || outcomes[0].Signed {
		t.Errorf("%+v, %v", outcomes, e)
	}
	<-other.got
	elsewhere := newTarget(t)
	if _, e := s.Test(t.Context(), elsewhere.URL, ""); e == nil || e.Code != api.CodeNoWebhook || strings.Contains(e.Message, elsewhere.URL) {
		t.Errorf("a URL that the server does not have: %v", e)
	}
	if len(one.got)+len(elsewhere.got) != 0 {
		t.Error("another receiver got a message")
	}
	none := run(t, &memory{}, Config{})
	if _, e := none.Test(t.Context(), "", ""); e == nil || e.Code != api.CodeNoWebhook || !strings.Contains(e.Hint, "--webhook") {
		t.Errorf("without a webhook: %v", e)
	}
}

// TestWithoutServer: a user can try a URL before a server has it.
func TestWithoutServer(t *testing.T) {
	to := newTarget(t)
	outcomes, err := TestOnce(t.Context(), Config{URLs: []string{to.URL}, SecretFile: secretFile(t, secretText)}, api.WebhookServer{Host: "laptop"}, "")
	if err != nil || len(outcomes) != 1 || !outcomes[0].Taken {
		t.Fatalf("%+v, %v", outcomes, err)
	}
	verify(t, secretText, <-to.got)
	if _, err := TestOnce(t.Context(), Config{URLs: []string{"ftp://h/s3cret"}}, api.WebhookServer{}, ""); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a bad URL: %v", err)
	}
}
