package admin

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strings"
)

//go:embed page.html
var pageHTML string

// page is the web page with its policy. The policy allows only the page's own script and style,
// by their hashes.
type page struct {
	html   []byte
	policy string
}

func newPage() *page {
	return &page{
		html: []byte(pageHTML),
		policy: "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; " +
			"frame-ancestors 'none'; style-src " + hashOf(pageHTML, "style") + "; script-src " + hashOf(pageHTML, "script"),
	}
}

// hashOf is the content security policy's name for the page's only element with this tag.
func hashOf(html, tag string) string {
	_, rest, _ := strings.Cut(html, "<"+tag+">")
	content, _, _ := strings.Cut(rest, "</"+tag+">")
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func (p *page) serve(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", p.policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	write(w, http.StatusOK, "text/html; charset=utf-8", p.html)
}
