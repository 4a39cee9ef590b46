package admin

import (
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/token"
)

// Each file of the page is served with a type, a policy and a tag, without a token.
func TestPageFiles(t *testing.T) {
	set, err := token.Parse("tokens", []byte("read 0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	h := Handler(someState(), Options{Tokens: set})
	names, err := fs.Glob(pageFiles, "page/*")
	if err != nil || len(names) < 10 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		path := "/" + name
		if path == "/page/index.html" {
			path = "/"
		}
		got := request(t, h, "GET", path, nil)
		kind, tag := got.Header().Get("Content-Type"), got.Header().Get("ETag")
		if got.Code != http.StatusOK || kind == "application/octet-stream" || tag == "" {
			t.Errorf("%s: %d, %q, %q", path, got.Code, kind, tag)
		}
		policy := got.Header().Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "trusted-types 'none'") {
			t.Errorf("%s: the policy is %q", path, policy)
		}
		if again := request(t, h, "GET", path, http.Header{"If-None-Match": {tag}}); again.Code != http.StatusNotModified {
			t.Errorf("%s: an unchanged file is answered with %d", path, again.Code)
		}
	}
	if got := request(t, h, "GET", "/page/nothing.js", nil); got.Code != http.StatusUnauthorized {
		t.Errorf("a file that is none: %d", got.Code)
	}
}

// The page refers only to its own files, has no code or style in its elements, and parses no text
// as HTML or as code.
func TestPageIsSelfContained(t *testing.T) {
	forbidden := regexp.MustCompile(`https?://|//[a-z]+\.[a-z]|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function| on[a-z]+="| style="`)
	allowed := strings.NewReplacer("http://www.w3.org/2000/svg", "", `protocol === "https:" ? "https://"`, "")
	names, _ := fs.Glob(pageFiles, "page/*")
	for _, name := range names {
		text, err := pageFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := forbidden.FindString(allowed.Replace(string(text))); found != "" {
			t.Errorf("%s has %q", name, found)
		}
	}
}
