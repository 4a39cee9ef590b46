package identity

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func parse(t *testing.T, text string) *Rules {
	t.Helper()
	r, err := Parse("rules.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const fleet = `
others: san
rules:
  # The edge Envoys: their node id is the end of the SPIFFE ID.
  - san: spiffe://prod/edge/{name}
    nodes: ["{name}"]
    clusters: [edge]
    filters: [auth, "tenant-{name}-*"]
  # A second rule for one of them adds a filter.
  - san: spiffe://prod/edge/one
    nodes: [one, one-canary]
    filters: [beta]
  - san: "*.gateway.example.com"
    filters: [limits]
  - san: spiffe://prod/shared
    nodes: ["shared-*"]
`

func TestDecide(t *testing.T) {
	rules := parse(t, fleet)
	none := parse(t, strings.Replace(fleet, "others: san", "others: none", 1))
	one, two := New([]string{"spiffe://prod/edge/one"}, nil), New([]string{"spiffe://prod/edge/two"}, []string{"two.example.com"})
	for _, tt := range []struct {
		name          string
		rules         *Rules
		certificate   Certificate
		node, cluster string
		want          string // "": refused, or the refused claim; else the SAN
		has, hasNot   string // filters, separated by blanks
	}{
		{"the SAN", nil, one, "spiffe://prod/edge/one", "any", "spiffe://prod/edge/one", "auth beta *", ""},
		{"a DNS name", nil, two, "two.example.com", "", "two.example.com", "auth", ""},
		{"another's SAN", nil, one, "spiffe://prod/edge/two", "", "node", "", ""},
		{"a part of the SAN", nil, one, "one", "", "node", "", ""},
		{"another case", nil, two, "Two.example.com", "", "node", "", ""},
		{"no node id", nil, one, "", "", "node", "", ""},
		{"no certificate", nil, Certificate{}, "one", "", "node", "", ""},
		{"no name, and no node id", nil, New([]string{""}, []string{""}), "", "", "node", "", ""},

		{"two rules add up", rules, one, "one", "edge", "spiffe://prod/edge/one", "auth tenant-one-a beta", "tenant-two-a tenant-one limits"},
		{"the rule for the cluster", rules, two, "two", "edge", "spiffe://prod/edge/two", "auth tenant-two-x", "beta tenant-one-x"},
		{"another cluster", rules, two, "two", "core", "cluster", "", ""},
		{"another cluster, but a rule for any", rules, one, "one", "core", "spiffe://prod/edge/one", "beta", "auth tenant-one-a"},
		{"another node of the rule", rules, one, "one-canary", "edge", "spiffe://prod/edge/one", "beta", "auth"},
		{"another's node", rules, two, "one", "edge", "node", "", ""},
		{"the SAN, where a rule has other node ids", rules, one, "spiffe://prod/edge/one", "edge", "node", "", ""},
		{"a rule without node ids", rules, New(nil, []string{"a.gateway.example.com"}), "a.gateway.example.com", "", "a.gateway.example.com", "limits", "auth"},
		{"case of DNS names", rules, New(nil, []string{"A.Gateway.example.com"}), "A.Gateway.example.com", "", "A.Gateway.example.com", "limits", "auth"},
		{"two labels", rules, New(nil, []string{"a.b.gateway.example.com"}), "a.gateway.example.com", "", "node", "", ""},
		{"a URI in the place of a DNS name", rules, New([]string{"a.gateway.example.com"}, nil), "a.gateway.example.com", "", "a.gateway.example.com", "limits auth", ""},
		{"a DNS name in the place of a URI", none, New(nil, []string{"spiffe://prod/edge/one"}), "one", "edge", "node", "", ""},
		{"a deeper path", none, New([]string{"spiffe://prod/edge/one/two"}, nil), "one", "edge", "node", "", ""},
		{"no segment", none, New([]string{"spiffe://prod/edge/"}, nil), "", "edge", "node", "", ""},
		{"another trust domain", none, New([]string{"spiffe://dev/edge/one"}, nil), "one", "edge", "node", "", ""},
		{"many nodes", rules, New([]string{"spiffe://prod/shared"}, nil), "shared-7", "", "spiffe://prod/shared", "auth any", ""},

		{"others: san", rules, New([]string{"spiffe://prod/core"}, nil), "spiffe://prod/core", "", "spiffe://prod/core", "auth beta", ""},
		{"others: none", none, New([]string{"spiffe://prod/core"}, nil), "spiffe://prod/core", "", "node", "", ""},
		{"others: none, but a rule", none, one, "one", "edge", "spiffe://prod/edge/one", "auth", "limits"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			grant, no := tt.rules.Decide(tt.certificate, tt.node, tt.cluster)
			if (grant == nil) == (no == nil) {
				t.Fatalf("%+v, %v", grant, no)
			}
			if no != nil {
				if string(no.Claim) != tt.want || no.Hint == "" {
					t.Fatalf("%+v", no)
				}
				return
			}
			if grant.SAN() != tt.want {
				t.Errorf("the client is known as %q", grant.SAN())
			}
			for _, filter := range strings.Fields(tt.has) {
				if !grant.Allows(filter) {
					t.Errorf("%s is refused", filter)
				}
			}
			for _, filter := range strings.Fields(tt.hasNot) {
				if grant.Allows(filter) {
					t.Errorf("%s is allowed", filter)
				}
			}
		})
	}
}

// A placeholder stands for a literal text, whatever the characters in the certificate.
func TestValuesAreLiteral(t *testing.T) {
	r := parse(t, "others: none\nrules: [{san: 'urn:edge:{name}', nodes: ['{name}'], filters: ['t-{name}-*']}]")
	for _, value := range []string{"*", "{name}", "a*", "**"} {
		c := New([]string{"urn:edge:" + value}, nil)
		if _, no := r.Decide(c, "other", ""); no == nil {
			t.Errorf("%s is the node of another", value)
		}
		grant, no := r.Decide(c, value, "")
		if no != nil {
			t.Fatal(no)
		}
		if grant.Allows("t-other-x") || !grant.Allows("t-"+value+"-x") {
			t.Errorf("%s has the filters of another", value)
		}
	}
}

// A wildcard of a SAN stands for some text within one segment.
func TestSANPatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"urn:edge:{name}", "urn:edge:a", true},
		{"urn:edge:{name}", "urn:edge:", false},
		{"spiffe://prod/{name}", "spiffe://prod/", false},
		{"spiffe://prod/{name}", "spiffe://prod", false},
		{"spiffe://prod/{name}", "spiffe://prod/a.b-c", true},
		{"spiffe://prod/{name}", "spiffe://prod/a?b", false},
		{"spiffe://prod/{name}", "spiffe://prod/a%2Fb", true},
		{"spiffe://prod/ns/*/sa/{name}", "spiffe://prod/ns/x/sa/a", true},
		{"spiffe://prod/ns/*/sa/{name}", "spiffe://prod/ns/x/y/sa/a", false},
		{"spiffe://prod/x{name}x", "spiffe://prod/xx", false},
		{"spiffe://prod/x{name}x", "spiffe://prod/xax", true},
		{"*.example.com", "a.example.com", true},
		{"*.example.com", ".example.com", false},
		{"*.example.com", "a/b.example.com", false},
		{"edge-*.example.com", "edge-1.example.com", true},
	} {
		p, err := newSANPattern(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if _, got := p.match(san{isURI: strings.Contains(tt.name, ":"), text: tt.name}); got != tt.want {
			t.Errorf("%s matches %s: %t", tt.pattern, tt.name, got)
		}
	}
}

func TestGlobs(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"a", "a", true},
		{"a", "ab", false},
		{"*", "", true},
		{"*", "a/b.c", true},
		{"a*", "a", true},
		{"a*a", "a", false},
		{"a*a", "aa", true},
		{"a*b*c", "aXbYbZc", true},
		{"a*b*c", "aXcYb", false},
		{"*b*", "abc", true},
		{"**", "x", true},
		{"é*", "éa", true},
	} {
		tokens, err := tokenize(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := template(tokens).with(nil).match(tt.text); got != tt.want {
			t.Errorf("%q matches %q: %t", tt.pattern, tt.text, got)
		}
	}
}

// Each problem of a file has a place and the next step.
func TestBadRules(t *testing.T) {
	for _, tt := range []struct{ text, at, want string }{
		{"", "", "0 documents"},
		{"rules: []\n---\nrules: []\n", "1:1", "2 documents"},
		{"- a\n", "1:1", "must be a mapping, not a list"},
		{"rule: []\n", "1:1", `did you mean "rules"?`},
		{"others: san\n", "1:1", "rules is missing"},
		{"rules: {}\n", "1:8", "rules must be a list"},
		{"others: all\nrules: []\n", "1:9", `others cannot be "all"`},
		{"rules:\n  - sna: a\n", "2:5", `did you mean "san"?`},
		{"rules:\n  - nodes: [a]\n", "2:5", "rules[0].san is missing"},
		{"rules:\n  - san: a\n    ids: [a]\n", "3:5", "known here: clusters, filters, nodes, san"},
		{"rules:\n  - san: a\n    san: b\n", "3:5", "set twice"},
		{"rules:\n  - san: a\n    nodes: a\n", "3:12", "put it in brackets"},
		{"rules:\n  - san: a\n    nodes: [a, 1]\n", "3:16", "put it in quotes"},
		{"rules:\n  - san: a\n    nodes: [a, '']\n", "3:16", "nodes[1] is empty"},
		{"rules:\n  - san: a\n    nodes:\n", "3:5", "has no value"},
		{"rules:\n  - san: spiffe://prod/{a}\n    nodes: [\"{bcd}\"]\n", "3:13", "{bcd} is not in the rule's san, which has {a}"},
		{"rules:\n  - san: spiffe://prod/{name}\n    nodes: [\"{nmae}\"]\n", "3:13", "did you mean {name}?"},
		{"rules:\n  - san: a\n    nodes: [\"{a}\"]\n", "3:13", "which has no placeholder"},
		{"rules:\n  - san: spiffe://{td}/a\n", "2:10", "the trust domain of SPIFFE, takes no pattern"},
		{"rules:\n  - san: \"*://prod/a\"\n", "2:10", "begins with its scheme"},
		{"rules:\n  - san: spiffe://prod/{a}-{b}\n", "2:10", "two wildcards"},
		{"rules:\n  - san: spiffe://prod/{a}/{a}\n", "2:10", "occurs twice"},
		{"rules:\n  - san: spiffe://prod/{a\n", "2:10", "a name in braces"},
		{"rules:\n  - san: spiffe://prod/{a b}\n", "2:10", "a name in braces"},
		{"rules:\n  - san: spiffe://prod/a}\n", "2:10", "without a { before it"},
		{"rules:\n  - san: a\n    filters: [b]\n", "2:10", "add `others: none`"},
		{"rules: [\n", "1:8", "not valid YAML"},
	} {
		_, err := Parse("rules.yaml", []byte(tt.text))
		e := &spec.Error{}
		if !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %s", tt.text, err, tt.want)
			continue
		}
		if at := fmt.Sprintf("%d:%d", e.Pos.Line, e.Pos.Column); tt.at != "" && at != tt.at || e.Pos.File != "rules.yaml" {
			t.Errorf("%q: the error is at %s, want %s", tt.text, e.Pos, tt.at)
		}
	}
}

// All problems of a file are told at once.
func TestAllProblems(t *testing.T) {
	_, err := Parse("rules.yaml", []byte("rules:\n  - san: a\n    nodes: [\"{x}\", \"}\"]\n  - san: \"{a}{b}\"\n"))
	if n := strings.Count(err.Error(), "rules.yaml:"); n != 3 {
		t.Errorf("%d problems: %v", n, err)
	}
}

func TestMessagesAreBounded(t *testing.T) {
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("%d-%s", i, strings.Repeat("a", 1000)))
	}
	_, no := (*Rules)(nil).Decide(New(nil, names), strings.Repeat("b\n", 10_000), "")
	if text := no.String(); len(text) > 2000 || strings.Contains(text, "\n") || !strings.Contains(text, "995 more") {
		t.Errorf("%d bytes: %.300s", len(text), text)
	}
}

func TestKey(t *testing.T) {
	if New([]string{"a", "b"}, []string{"c"}).Key() != New([]string{"b", "a", "a"}, []string{"c"}).Key() {
		t.Error("the order counts")
	}
	seen := map[string]Certificate{}
	for _, c := range []Certificate{
		{},
		New([]string{"a"}, nil), New(nil, []string{"a"}), New([]string{"a", "b"}, nil), New([]string{`a"true"b`}, nil), New([]string{"a\nb"}, nil),
		New([]string{"ab"}, nil), New([]string{"a"}, []string{"b"}),
	} {
		if before, twice := seen[c.Key()]; twice {
			t.Errorf("%v and %v have one key", before, c)
		}
		seen[c.Key()] = c
	}
}

func TestEqualGrants(t *testing.T) {
	r := parse(t, fleet)
	c := New([]string{"spiffe://prod/edge/one"}, nil)
	a, _ := r.Decide(c, "one", "edge")
	b, _ := parse(t, fleet).Decide(c, "one", "edge")
	other, _ := r.Decide(c, "one", "core")
	if !a.Equal(b) || a.Equal(other) || other.Equal(a) {
		t.Error("grants are compared wrongly")
	}
}

// FuzzDecide checks the properties of all rules and certificates.
func FuzzDecide(f *testing.F) {
	f.Add("spiffe://prod/edge/{name}", "{name}", "tenant-{name}-*", "spiffe://prod/edge/one", "one", "tenant-one-a")
	f.Add("*.example.com", "*", "*", "a.example.com", "b", "c")
	f.Add("urn:{a}", "{a}*{a}", "*{a}", "urn:*", "**", "*")
	f.Fuzz(func(t *testing.T, pattern, nodes, filters, name, node, filter string) {
		p, err := newSANPattern(pattern)
		if err != nil {
			return
		}
		tn, err := p.template(nodes)
		if err != nil {
			return
		}
		tf, err := p.template(filters)
		if err != nil {
			return
		}
		r := &Rules{others: spec.OthersNone, rules: []rule{{san: p, nodes: []template{tn}, filters: []template{tf}}}}
		c := New([]string{name}, []string{name})
		grant, no := r.Decide(c, node, "")
		if (grant == nil) == (no == nil) {
			t.Fatal("neither granted nor refused")
		}
		if no != nil {
			if len(no.String()) > 4000 {
				t.Errorf("a message of %d bytes", len(no.String()))
			}
			return
		}
		if node == "" || !c.has(grant.SAN()) {
			t.Errorf("a grant for the node %q by the name %q", node, grant.SAN())
		}
		if !strings.ContainsAny(pattern, "*{") && !strings.EqualFold(pattern, grant.SAN()) {
			t.Errorf("%q is a name of %q", grant.SAN(), pattern)
		}
		if !strings.ContainsAny(filters, "*{") && grant.Allows(filter) != (filter == filters) {
			t.Errorf("the filter %q by %q", filter, filters)
		}
		// A wildcard does not reach beyond the segment.
		if p.isURI && strings.Count(grant.SAN(), "/") != strings.Count(pattern, "/") {
			t.Errorf("%q is a name of %q", grant.SAN(), pattern)
		}
	})
}
