package registry

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"unicode"

	"github.com/wasm-xds/wasm-xds/internal/certs"
)

// maxWords bounds the part of a refusal that is searched for a message, in bytes.
const maxWords = 8 << 10

// wantsTLS is the message for a registry that speaks HTTPS on a port where plain HTTP is expected.
const wantsTLS = "it speaks HTTPS, and plain HTTP was expected"

// wordsOf returns the message of a refusal, and leaves the body readable for the next reader.
func wordsOf(response *http.Response) string {
	start, err := io.ReadAll(io.LimitReader(response.Body, maxWords))
	response.Body = &rest{Reader: io.MultiReader(bytes.NewReader(start), response.Body), Closer: response.Body}
	if err != nil {
		return ""
	}
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
