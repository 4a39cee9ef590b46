package etcd

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/ledger"
)

// kind is the second part of a key, after the ledger's prefix.
type kind string

const (
	records   kind = "filters"
	contents  kind = "revisions"
	verdicts  kind = "verdicts"
	notes     kind = "sent"
	replicas  kind = "replicas"
	commands  kind = "commands"
	outcomes  kind = "outcomes"
	elections kind = "election"
	freezes   kind = "freeze"
)

// parts has how many names follow each kind in a key.
var parts = map[kind]int{
	records: 1, contents: 2, verdicts: 2, notes: 2, replicas: 1, commands: 1, outcomes: 1, elections: 1, freezes: 0,
}

// mostKey bounds a key, in bytes. A node id has 64 KiB at most, and a key is smaller by intent.
const mostKey = 4 << 10

// keys makes keys below a prefix.
type keys string

// all is the prefix of all keys of the ledger.
func (k keys) all() string { return string(k) + "/" }

// of is a key of a kind. A name may have any bytes: each is escaped.
func (k keys) of(what kind, names ...string) string {
	var b strings.Builder
	b.WriteString(string(k) + "/" + string(what))
	for _, name := range names {
		b.WriteString("/" + url.PathEscape(name))
	}
	return b.String()
}

func (k keys) record(filter string) string      { return k.of(records, filter) }
func (k keys) content(filter, id string) string { return k.of(contents, filter, id) }
func (k keys) verdict(v ledger.Verdict) string  { return k.of(verdicts, v.Revision, v.Envoy) }
func (k keys) note(n ledger.Note) string        { return k.of(notes, n.Filter, n.Node) }
func (k keys) replica(name string) string       { return k.of(replicas, name) }
func (k keys) command(id string) string         { return k.of(commands, id) }
func (k keys) outcome(id string) string         { return k.of(outcomes, id) }
func (k keys) election() string                 { return k.of(elections) }
func (k keys) freeze() string                   { return k.of(freezes) }

// parse is the reverse of of. The error names a key that no version of the ledger has written.
func (k keys) parse(key string) (what kind, names []string, err error) {
	rest, found := strings.CutPrefix(key, k.all())
	if !found || len(key) > mostKey {
		return "", nil, fmt.Errorf("%.100q is no key of the ledger", key)
	}
	all := strings.Split(rest, "/")
	what = kind(all[0])
	if n, known := parts[what]; !known || n != len(all)-1 {
		return "", nil, fmt.Errorf("%.100q is no key of the ledger", key)
	}
	for _, text := range all[1:] {
		name, err := url.PathUnescape(text)
		if err != nil {
			return "", nil, fmt.Errorf("%.100q is no key of the ledger", key)
		}
		names = append(names, name)
	}
	return what, names, nil
}
