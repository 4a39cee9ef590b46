package registry

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/wasm-xds/wasm-xds/internal/certs"
	"github.com/wasm-xds/wasm-xds/internal/mask"
)

// maxWords bounds the part of a refusal that is searched for a message, in bytes.
const maxWords = 8 << 10

// wantsTLS is the message for a registry that speaks HTTPS on a port where plain HTTP is expected.
const wantsTLS = "it speaks HTTPS, and plain HTTP was expected"

// wordsOf returns the message of a refusal, and leaves the body readable for the next reader. Some
// servers quote the request: the credentials of the request are hidden, also from the next reader.
func wordsOf(request *http.Request, response *http.Response) string {
	start, err := io.ReadAll(io.LimitReader(response.Body, maxWords))
	start = []byte(credentialsIn(request).Hide(string(start)))
	response.Body = &rest{Reader: io.MultiReader(bytes.NewReader(start), response.Body), Closer: response.Body}
	if err != nil {
		return ""
	}
	return messageIn(start)
}

// credentialsIn hides the credentials that a request has, and the query of its URL.
func credentialsIn(request *http.Request) mask.Mask {
	var b mask.Builder
	header := request.Header.Get("Authorization")
	_, sent, _ := strings.Cut(header, " ")
	b.Secret(sent)
	b.Secret(request.URL.RawQuery)
	if _, password, ok := request.BasicAuth(); ok {
		b.Secret(password)
	}
	if request.GetBody == nil {
		return b.Mask()
	}
	// A token server gets its credentials as a form.
	body, err := request.GetBody()
	if err != nil {
		return b.Mask()
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxWords))
	form, parseErr := url.ParseQuery(string(text))
	if err != nil || parseErr != nil {
		return b.Mask()
	}
	for _, field := range []string{"password", "refresh_token", "access_token"} {
		b.Secret(form.Get(field))
		b.Secret(url.QueryEscape(form.Get(field)))
	}
	return b.Mask()
}

// messageIn returns the message in the body of a refusal.
func messageIn(start []byte) string {
	var body struct {
		Errors []struct{ Code, Message string } `json:"errors"`
		// The field in answers of token servers.
		Details string `json:"details"`
	}
	if json.Unmarshal(start, &body) != nil {
		if certs.WantsTLS(string(start)) {
			return wantsTLS
		}
		return ""
	}
	var all []string
	for _, e := range body.Errors {
		all = append(all, join(spaced(e.Code), e.Message))
	}
	if len(all) == 0 {
		all = append(all, body.Details)
	}
	return clean(strings.Join(all, "; "))
}

type rest struct {
	io.Reader
	io.Closer
}

func join(code, message string) string {
	switch {
	case message == "" || strings.EqualFold(code, message):
		return code
	case code == "":
		return message
	default:
		return code + ": " + message
	}
}

func spaced(code string) string { return strings.ToLower(strings.ReplaceAll(code, "_", " ")) }

// clean makes a foreign message safe for a terminal and a log.
func clean(words string) string {
	const most = 300
	words = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, words)
	words = strings.Join(strings.Fields(words), " ")
	if runes := []rune(words); len(runes) > most {
		words = string(runes[:most]) + "…"
	}
	return words
}
