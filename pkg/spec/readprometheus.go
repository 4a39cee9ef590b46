package spec

import (
	"math"
	"strconv"
)

// maxQuery is the size of the longest query, in bytes.
const maxQuery = 8 << 10

// readPrometheus reads the section prometheus of health.
func readPrometheus(d *decoder, path string, v *node) *PrometheusLimit {
	p := &PrometheusLimit{}
	has := map[string]bool{}
	field := func(name string, read func(path string, v *node)) func(key, value *node) {
		return func(_, v *node) {
			has[name] = true
			read(path+"."+name, v)
		}
	}
	d.section(path, v, fields{
		"url":          field("url", func(path string, v *node) { p.URL = readPrometheusURL(d, path, v) }),
		"query":        field("query", func(path string, v *node) { p.Query = readQuery(d, path, v) }),
		"max":          field("max", func(path string, v *node) { p.Max = readFloat(d, path, v) }),
		"tokenFile":    field("tokenFile", func(path string, v *node) { p.TokenFile = d.healthFile(path, v) }),
		"passwordFile": field("passwordFile", func(path string, v *node) { p.PasswordFile = d.healthFile(path, v) }),
		"caFile":       field("caFile", func(path string, v *node) { p.CAFile = d.healthFile(path, v) }),
	})
	if v.kind != kindMap {
		return nil
	}
	for _, name := range []string{"url", "query", "max"} {
		if !has[name] && !d.meant[path+"."+name] {
			d.fail(&Error{
				Code: CodeMissingField, Message: path + "." + name + " is missing",
				Hint: "as in prometheus: {url: http://localhost:9090, query: 'sum(rate(failures[1m]))', max: 0.5}", Pos: v.pos,
			})
		}
	}
	if has["tokenFile"] && has["passwordFile"] {
		d.fail(&Error{
			Code: CodeConflict, Message: path + " can have only one of tokenFile and passwordFile",
			Hint: "remove one of the two", Pos: d.seen[path+".passwordFile"].pos,
		})
	}
	return p
}

// readPrometheusURL reads the URL of a server. Errors do not quote the URL, which may have a
// password.
func readPrometheusURL(d *decoder, path string, v *node) string {
	text, ok := d.filled(path, v)
	if !ok {
		return ""
	}
	hint := ""
	parsed, problem := parseHTTP(text)
	switch {
	case problem != "":
	case parsed.User != nil:
		problem, hint = "has a user", "name a file with user:password in passwordFile"
	case parsed.RawQuery != "" || parsed.Fragment != "":
		problem, hint = "has a query or a fragment", "write the address under which /api/v1/query is found, and the question in query"
	default:
		return text
	}
	d.fail(&Error{Code: CodeBadValue, Message: path + " " + problem, Hint: hint, Pos: v.pos})
	return ""
}

func readQuery(d *decoder, path string, v *node) string {
	text, ok := d.filled(path, v)
	if ok && len(text) > maxQuery {
		d.failf(CodeBadValue, v, "%s is longer than %d characters", path, maxQuery)
		return ""
	}
	return text
}

// readFloat reads a finite number.
func readFloat(d *decoder, path string, v *node) float64 {
	if !d.is(path, v, kindNumber) {
		return 0
	}
	value, err := strconv.ParseFloat(v.text, 64)
	if err != nil || math.IsInf(value, 0) || math.IsNaN(value) {
		d.failf(CodeBadValue, v, "%s must be a number, not %s", path, brief(v.text))
		return 0
	}
	return value
}

// healthFile reads the path of a file that a section health names.
func (d *decoder) healthFile(path string, v *node) string {
	ref := readFileRef(d, path, v)
	if ref == nil {
		return ""
	}
	d.healthFiles = append(d.healthFiles, ref)
	return ref.Path
}
