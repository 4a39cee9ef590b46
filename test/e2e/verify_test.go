package e2e_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
	"github.com/wasm-xds/wasm-xds/internal/test/sigstoretest"
)

// seen is the output of wasm-xds verify -o json.
type seen struct {
	OK      bool
	Modules []struct {
		Name, Module, Digest string
		OK                   bool
		Checks               []struct {
			By           string
			Required, OK bool
			Found        []struct {
				Kind, PredicateType, Builder, Key, Subject, Issuer, TimeBy, Log, Problem string
				Time                                                                     time.Time
				LogIndex                                                                 int64
			}
			Error *harness.APIError
		}
	}
}

// runVerify runs wasm-xds verify. Connections to other machines would go to a proxy, which fails
// the test.
func runVerify(t *testing.T, wantExit int, args ...string) (text string, got seen) {
	t.Helper()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("verify asks for %s %s", r.Method, r.URL)
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer proxy.Close()
	for _, output := range []string{"text", "json"} {
		cmd := exec.CommandContext(t.Context(), harness.BuildBinary(t), append([]string{"verify", "-o", output}, args...)...)
		cmd.Env = append(os.Environ(), "HTTP_PROXY="+proxy.URL, "HTTPS_PROXY="+proxy.URL, "HOME="+t.TempDir())
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run() // the code is compared
		if code := cmd.ProcessState.ExitCode(); code != wantExit || stderr.Len() > 0 {
			t.Fatalf("verify %q ends with %d, want %d:\n%s%s", args, code, wantExit, &stdout, &stderr)
		}
		if output == "text" {
			text = stdout.String()
		} else if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
			t.Fatalf("%v:\n%s", err, &stdout)
		}
	}
	return text, got
}

// The command shows each signature and attestation by the real cosign, of images and of files, and
// the reasons for which some do not count.
func TestVerify(t *testing.T) {
	t.Parallel()
	sigstore := sigstoretest.Start(t)
	root := sigstore.WriteRoot(t, sigstoretest.Root{})
	team := harness.NewKeyless(t, sigstore.Fulcio, sigstore.Rekor, root, sigstoretest.Token(teamSubject, teamIssuer))
	other := harness.NewKeyless(t, sigstore.Fulcio, sigstore.Rekor, root, sigstoretest.Token("other@example.com", teamIssuer))
	key := harness.NewCosign(t)
	r := registrytest.Start(t, registrytest.Options{})
	digest := r.Push(t, "team/auth:prod", registrytest.Artifact(authModule("v1")))
	image, ref := r.Ref("team/auth@"+digest), "oci://"+r.Ref("team/auth:prod")
	began := time.Now().Add(-time.Second)
	team.SignImage(image, true)
	other.SignImage(image, false)
	team.AttestImage(image, true, "slsaprovenance", slsa)
	dir := t.TempDir()
	wasm := filepath.Join(dir, auth+".wasm")
	harness.WriteFilter(t, dir, auth, authModule("v1"), "")
	harness.WriteFile(t, filepath.Join(dir, auth+".yaml"), []byte("module:\n  file: ./auth.wasm\n"+byTeam))
	team.SignFile(wasm)
	team.AttestFile(wasm, "slsaprovenance", slsa)
	key.SignFile(wasm, false)
	requests := sigstore.Requests()

	trusted := []string{"--insecure-registry", r.Host, "--trusted-root", root}
	identity := []string{"--verify-identity", "subject=" + teamSubject + ",issuer=" + teamIssuer}
	wants := append(slices.Clone(trusted), identity...)
	for what, args := range map[string][]string{
		"image":      append([]string{ref, "--attestation", "slsaprovenance"}, wants...),
		"file":       append([]string{wasm, "--attestation", "slsaprovenance"}, wants...),
		"spec":       append([]string{dir}, trusted...),
		"unjudged":   append([]string{ref}, trusted...),
		"with a key": append([]string{wasm, "--verify-key", key.PublicKey}, wants...),
	} {
		text, got := runVerify(t, 0, args...)
		check := got.Modules[0].Checks[0]
		var counted []string
		for _, f := range check.Found {
			switch {
			case f.Subject == teamSubject && (f.Issuer != teamIssuer || f.Time.Before(began) || f.TimeBy == "" || f.Log != sigstore.Rekor || f.LogIndex == 0):
				t.Errorf("%s: %+v", what, f)
			case f.Kind == "attestation" && f.Builder != "https://ci.example.com/builder":
				t.Errorf("%s: %+v", what, f)
			}
			if f.Problem == "" {
				counted = append(counted, f.Kind+" "+f.Subject+f.Key)
			}
		}
		slices.Sort(counted)
		want := []string{"attestation " + teamSubject, "signature " + teamSubject}
		if what == "with a key" {
			want = append(want, "signature "+key.PublicKey)
			slices.Sort(want)
		}
		if what == "unjudged" {
			want = nil
		}
		if !got.OK || check.Required != (what != "unjudged") || len(check.Found) != 3 || !slices.Equal(counted, want) {
			t.Errorf("%s: %+v", what, got)
		}
		for _, says := range []string{"signature by " + teamSubject + " (issuer " + teamIssuer + ")", "builder  https://ci.example.com/builder", sigstore.Rekor + ", entry "} {
			if !strings.Contains(text, says) {
				t.Errorf("%s: the text has no %q:\n%s", what, says, text)
			}
		}
	}

	text, got := runVerify(t, 1, append([]string{ref, "--attestation", "spdx"}, wants...)...)
	if e := got.Modules[0].Checks[0].Error; got.OK || e == nil || e.Code != "attestation_missing" || e.Hint == "" || !strings.Contains(text, "not counted: signature: it is by other@example.com") {
		t.Errorf("%+v\n%s", got, text)
	}
	if now := sigstore.Requests(); now != requests {
		t.Errorf("verify made %d requests to Sigstore", now-requests)
	}
}
