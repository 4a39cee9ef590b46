package webhook

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/pause"
)

// TestSignature has the example of the specification.
func TestSignature(t *testing.T) {
	keys, err := parseSecrets("", []byte(secretText))
	if err != nil {
		t.Fatal(err)
	}
	got := sign(keys[0], "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestMessagesAreRepeated: a message comes again until the receiver takes it, with its id and a
// fresh signature.
func TestMessagesAreRepeated(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, status := range []int{http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusBadRequest, http.StatusFound} {
		t.Run(http.StatusText(status), func(t *testing.T) { repeats(t, status) })
	}
}

func repeats(t *testing.T, status int) {
	to := newTarget(t, status, status)
	s := run(t, &memory{}, Config{URLs: []string{to.URL + "/hooks?token=in-the-url"}, SecretFile: secretFile(t, secretText+"\n")})
	s.Notify(live("auth"))
	ids := map[string]bool{}
	var last request
	for range 3 {
		last = <-to.got
		verify(t, secretText, last)
		ids[last.header.Get(headerID)] = true
	}
	var m api.WebhookMessage
	if err := json.Unmarshal(last.body, &m); err != nil {
		t.Fatal(err)
	}
	if len(ids) != 1 || !ids[m.ID] || m.Type != api.EventLive || m.Data.Name != "auth" || m.Server.Host != "control" || m.Timestamp.IsZero() {
		t.Errorf("%d: ids %v, message %+v", status, ids, m)
	}
	<-s.metrics.done
	s.stop()
	if s.metrics.failed != 2 || s.metrics.taken != 1 || s.metrics.dropped != 0 {
		t.Errorf("%d: %+v", status, s.metrics)
	}
	if n := s.logs.FilterMessageSnippet("does not take a message").Len(); n != 1 {
		t.Errorf("%d: %d lines in the log, want one", status, n)
	}
	for _, line := range s.logs.All() {
		text := line.Message
		for key, value := range line.ContextMap() {
			if _, is := value.(string); is {
				text += " " + key + "=" + value.(string)
			}
		}
		if strings.Contains(text, "in-the-url") || strings.Contains(text, "MfKQ") || strings.Contains(text, "latest") {
			t.Errorf("the log has a secret: %s", text)
		}
	}
}

// TestCAFile: a receiver with a certificate of a private CA is reached with the CA's file alone.
func TestCAFile(t *testing.T) {
	to := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only the arrival matters
		w.WriteHeader(http.StatusNoContent)
	}))
	defer to.Close()
	to.Config.ErrorLog = log.New(io.Discard, "", 0) // of the refused handshake
	ca := secretFile(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: to.Certificate().Raw})))
	for _, test := range []struct {
		file, problem string
	}{{ca, ""}, {"", "certificate"}} {
		outcomes, err := TestOnce(t.Context(), Config{URLs: []string{to.URL}, CAFile: test.file}, api.WebhookServer{}, "")
		if err != nil {
			t.Fatal(err)
		}
		one := outcomes[0]
		if one.Taken != (test.problem == "") || !one.Taken && !strings.Contains(one.Error.Message, test.problem) {
			t.Errorf("with the CA file %q: %+v, %v", test.file, one, one.Error)
		}
	}
}

// TestPlainChangesAreNoMessages: only notable events become messages.
func TestPlainChangesAreNoMessages(t *testing.T) {
	to := newTarget(t)
	s := run(t, &memory{}, Config{URLs: []string{to.URL}})
	s.Notify(api.Event{Type: api.EventFilter, Name: "auth"})
	s.Notify(live("auth"))
	if got := <-to.got; !strings.Contains(string(got.body), `"type":"live"`) || got.header.Get(headerSignature) != "" {
		t.Errorf("got %s, %v", got.body, got.header)
	}
}

// TestADeadReceiverDelaysNobody: neither the caller, nor another receiver, nor the end.
func TestADeadReceiverDelaysNobody(t *testing.T) {
	blocked := make(chan struct{})
	dead := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not see the end of the connection
		<-r.Context().Done()
		close(blocked)
	}))
	defer dead.Close()
	to := newTarget(t)
	s := run(t, &memory{}, Config{URLs: []string{dead.URL, to.URL}})
	for range 3 * mostWaiting {
		s.Notify(live("auth"))
	}
	<-to.got
	s.stop()
	<-blocked
	if s.metrics.dropped == 0 {
		t.Error("no message was dropped")
	}
	if n := s.logs.FilterMessageSnippet("are dropped, the oldest first").FilterField(zap.String("webhook", s.receivers[0].name)).Len(); n != 1 {
		t.Errorf("%d lines in the log, want one", n)
	}
}

// TestMessagesSurviveARestart: the next process sends a message that nobody has taken, with its id.
func TestMessagesSurviveARestart(t *testing.T) {
	files, to := &memory{}, newTarget(t, http.StatusInternalServerError)
	cfg := Config{URLs: []string{to.URL}, SecretFile: secretFile(t, secretText)}
	s := run(t, files, cfg)
	s.receivers[0].queue.pauses = pause.Policy{First: time.Hour, Most: time.Hour}
	s.Notify(live("auth"))
	id := (<-to.got).header.Get(headerID)
	s.stop()
	if strings.Contains(string(files.data), to.URL) {
		t.Error("the file has the URL, which may have a secret")
	}
	next := run(t, files, cfg)
	again := <-to.got
	verify(t, secretText, again)
	if again.header.Get(headerID) != id {
		t.Errorf("the id is %s, and was %s", again.header.Get(headerID), id)
	}
	<-next.metrics.done
	next.stop()
	if left, err := load(files); err != nil || len(left.Receivers) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestHealthyReceiversCostNoWrites: messages that are taken at once never reach the disk.
func TestHealthyReceiversCostNoWrites(t *testing.T) {
	files, to := &memory{}, newTarget(t)
	s := run(t, files, Config{URLs: []string{to.URL}})
	s.Notify(live("auth"))
	<-s.metrics.done
	s.stop()
	if files.writes != 0 {
		t.Errorf("%d writes", files.writes)
	}
}

// TestRotation: during a rotation, receivers with either secret accept the messages.
func TestRotation(t *testing.T) {
	const second = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
	to, path := newTarget(t), secretFile(t, secretText)
	s := run(t, &memory{}, Config{URLs: []string{to.URL}, SecretFile: path})
	if err := os.WriteFile(path, []byte("# the new one first\n"+second+"\n"+secretText+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if changed, err := s.Secrets().Reload(); !changed || err != nil {
		t.Fatal(changed, err)
	}
	s.Notify(live("auth"))
	got := <-to.got
	verify(t, secretText, got)
	verify(t, second, got)
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Secrets().Reload(); err == nil || strings.Contains(err.Error(), "short") {
		t.Errorf("a bad file: %v", err)
	}
	s.Notify(live("auth"))
	verify(t, second, <-to.got) // the last good secrets stay
}

// TestMetadataServicesAreRefused: no webhook reaches the credentials of the machine.
func TestMetadataServicesAreRefused(t *testing.T) {
	s := run(t, &memory{}, Config{URLs: []string{"http://169.254.169.254/latest"}})
	s.receivers[0].queue.pauses = pause.Policy{First: time.Hour, Most: time.Hour}
	_, f := s.receivers[0].post(t.Context(), &message{ID: "1", Event: live("auth")})
	if f == nil || !f.whole || !strings.Contains(f.text, "address refused") {
		t.Errorf("got %+v", f)
	}
}

func TestBadConfigurations(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no URL":      {URLs: []string{"s3cret"}},
		"no host":     {URLs: []string{"http://"}},
		"a scheme":    {URLs: []string{"ftp://h/s3cret"}},
		"no secret":   {SecretFile: secretFile(t, "# none\n")},
		"base64":      {SecretFile: secretFile(t, "whsec_s3cret!\n")},
		"too short":   {SecretFile: secretFile(t, "s3cret\n")},
		"no file":     {SecretFile: filepath.Join(t.TempDir(), "none")},
		"a directory": {SecretFile: t.TempDir()},
		"no CA":       {CAFile: secretFile(t, "s3cret")},
	} {
		if _, err := Open(cfg); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(Config{}); err != nil {
		t.Error(err)
	}
}

// TestNoWebhooksCostNothing: without a URL, there is no goroutine and no message.
func TestNoWebhooksCostNothing(t *testing.T) {
	w, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	w.Start(api.WebhookServer{}, &memory{}, &counts{}, zap.NewNop())
	w.Run(t.Context()) // returns at once
	if n := testing.AllocsPerRun(100, func() { w.Notify(api.Event{Type: api.EventLive}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSecretsThatNobodyMayRead(t *testing.T) {
	if e := unreadable("f", fs.ErrPermission); !errors.As(e, new(interface{ Error() string })) || !strings.Contains(e.Error(), "let this process's user read") {
		t.Error(e)
	}
}
