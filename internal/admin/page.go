package admin

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// pageFiles are the files of the web page, as browsers get them.
//
//go:embed page
var pageFiles embed.FS

// pagePolicy lets the page load its own files and ask its own server, and nothing else. Trusted
// types without any policy keep scripts from parsing text as HTML.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// page is the web page: index.html at /, and the other files below /page/.
type page struct {
	files map[string]pageFile // by path
}

type pageFile struct {
	content []byte
	kind    string // content type
	tag     string // ETag, the hash of the content
}

func newPage() *page {
	p := &page{files: map[string]pageFile{}}
	names, err := fs.Glob(pageFiles, "page/*")
	if err != nil {
		panic("admin: " + err.Error()) // the pattern is good
	}
	for _, name := range names {
		content, err := pageFiles.ReadFile(name)
		if err != nil {
			panic("admin: " + err.Error()) // the page has no directories
		}
		sum := sha256.Sum256(content)
		p.files["/"+name] = pageFile{content, contentType(name), `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	p.files["/"] = p.files["/page/index.html"]
	delete(p.files, "/page/index.html")
	return p
}

// contentType does not depend on the machine's table of types.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return "application/octet-stream"
	}
}

// addTo has mux serve the files.
func (p *page) addTo(mux *http.ServeMux) {
	for path := range p.files {
		if path == "/" {
			path = "/{$}"
		}
		mux.Handle("GET "+path, p)
	}
}

// ServeHTTP answers a GET. Browsers keep the files, and ask each time whether they have changed.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := p.files[r.URL.Path]
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", f.tag)
	http.ServeContent(w, r, strings.TrimPrefix(r.URL.Path, "/"), time.Time{}, bytes.NewReader(f.content))
}
