package record

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/mask"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// The bounds of a text.
const (
	mostLines = 400
	mostKey   = 200 // bytes
	mostValue = 400 // bytes
)

// hidden stands for a value that may be a secret.
const hidden = "…"

// line is a line of a text: a key of the spec, and its value. The value is hidden if sum is not
// empty: sum then tells equal values from different ones.
type line struct{ key, value, sum string }

// lines collects the lines of a text.
type lines struct {
	key  []byte // of the sums
	all  []line
	mask mask.Mask
}

// show adds a line with a value that is no secret. An empty value adds none.
func (l *lines) show(key, value string) {
	if value != "" {
		value = cut(terminal.Printable(l.mask.Hide(withoutCredentials(value))), mostValue)
		l.all = append(l.all, line{key: clean(key), value: strings.ReplaceAll(value, "\t", " ")})
	}
}

// hide adds a line with a hidden value.
func (l *lines) hide(key, value string) {
	sum := hmac.New(sha256.New, l.key)
	_, _ = sum.Write([]byte(key + "\x00" + value)) // a hash never fails
	l.all = append(l.all, line{clean(key), hidden, hex.EncodeToString(sum.Sum(nil)[:8])})
}

// clean makes a key safe for a text of lines.
func clean(key string) string {
	return cut(strings.ReplaceAll(terminal.Printable(key), "\t", " "), mostKey)
}

// text returns the lines in their order, as "key: value", with the sum of a hidden value behind a
// tab. One line stands for the lines beyond the bound.
func (l *lines) text() string {
	slices.SortStableFunc(l.all, compare)
	rest := l.all[min(len(l.all), mostLines):]
	all := l.all[:len(l.all)-len(rest)]
	if len(rest) > 0 {
		more := lines{key: l.key}
		more.hide("more", join(rest))
		all = append(slices.Clone(all), more.all...)
	}
	return join(all)
}

func join(all []line) string {
	var b strings.Builder
	for _, one := range all {
		b.WriteString(one.key + ": " + one.value)
		if one.sum != "" {
			b.WriteString("\t" + one.sum)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// parse returns the lines of a text.
func parse(text string) []line {
	var all []line
	for one := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSuffix(one, "\n"), ": ")
		value, sum, _ := strings.Cut(value, "\t")
		all = append(all, line{key, value, sum})
	}
	return all
}

// sections are the first parts of keys, in the order of a spec.
var sections = []string{
	"type", "disabled", "module", "rootId", "config", "failurePolicy", "reloadBackoff", "allowOnHeadersStopIteration",
	"capabilities", "vm", "delivery", "nodes", "rollout", "onRemove", "acceptLoss",
}

// compare orders lines by section, and then by key.
func compare(a, b line) int {
	return cmp.Or(cmp.Compare(rank(a.key), rank(b.key)), strings.Compare(a.key, b.key))
}

func rank(key string) int {
	first, _, _ := strings.Cut(key, ".")
	if i := slices.Index(sections, first); i >= 0 {
		return i
	}
	return len(sections)
}

// withoutCredentials hides the user, the password, the query and the fragment of a URL.
func withoutCredentials(text string) string {
	scheme, rest, isURL := strings.Cut(text, "://")
	if !isURL {
		return text
	}
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i+1] + hidden
	}
	host, path, hasPath := strings.Cut(rest, "/")
	if i := strings.LastIndex(host, "@"); i >= 0 {
		host = hidden + host[i:]
	}
	if hasPath {
		host += "/"
	}
	return scheme + "://" + host + path
}
