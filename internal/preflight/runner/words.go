package runner

import (
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
)

const (
	nothingExpected = "none"
	notThere        = "not there"
)

// summary returns a message's first line.
func summary(m host.Message) string {
	var words []string
	for _, name := range []string{":status", ":method", ":path"} {
		words = append(words, valuesOf(m.Headers, name)...)
	}
	if len(words) == 0 {
		return "a message"
	}
	return strings.Join(words, " ")
}

func statusText(status int) string {
	if status == 0 {
		return ""
	}
	return strconv.Itoa(status)
}

func orNotThere(value string) string {
	if value == "" {
		return notThere
	}
	return value
}

func bodyText(chunks [][]byte) string {
	var b strings.Builder
	for _, chunk := range chunks {
		b.Write(chunk)
	}
	return b.String()
}

func valuesOf(headers []host.Header, name string) []string {
	var values []string
	for _, h := range headers {
		if strings.EqualFold(h.Name, name) {
			values = append(values, h.Value)
		}
	}
	return values
}

func quoteAll(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = strconv.Quote(v)
	}
	return strings.Join(quoted, ", ")
}

func orNothing(text string) string {
	if text == "" {
		return "no line"
	}
	return text
}
