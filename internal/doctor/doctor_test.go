package doctor_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/doctor"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func open(path string) ([]byte, *spec.Error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, &spec.Error{Code: "cannot_read", Message: "no such file", Pos: spec.Position{File: path}}
	}
	return text, nil
}

func specs(t *testing.T) []*spec.Spec {
	t.Helper()
	var all []*spec.Spec
	files, err := filepath.Glob("testdata/specs/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		one, errs, _ := spec.Decode(path, text)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		all = append(all, one...)
	}
	return all
}

func check(t *testing.T, path string) doctor.Report {
	t.Helper()
	c, problem := envoyconfig.Read(path, open)
	if problem != nil {
		t.Fatal(problem)
	}
	return doctor.Check(c, doctor.Options{Specs: specs(t), SpecsKnown: true})
}

// broken has the findings of each broken bootstrap: code and place. Each file is the good file,
// broken in a single way.
var broken = map[string][]string{
	"after-router":               {"after_router 38:19"},
	"another-ads":                {"another_ads 61:13"},
	"default-config":             {"default_lets_pass 41:15"},
	"http1-in-json":              {"no_http2 80:5"},
	"http1-options":              {"no_http2 81:11"},
	"http1-xds-cluster":          {"no_http2 74:5"},
	"merge-key":                  {"merge_key 75:5"},
	"misspelled-modules-cluster": {"no_modules_cluster 89:11"},
	"misspelled-name":            {"unknown_name 35:19"},
	"misspelled-xds-cluster":     {"no_xds_cluster 12:23"},
	"modules-at-xds-port":        {"modules_address 97:74"},
	"network-type-in-http":       {"wrong_type_url 42:17"},
	"no-ads-config":              {"no_ads 50:13"},
	"no-back-off":                {"no_back_off 12:9"},
	"no-fetch-timeout":           {"no_fetch_timeout 37:15"},
	"no-modules-cluster":         {"no_modules_cluster 64:3"},
	"no-node-id":                 {"no_node_id 1:1"},
	"upstream-over-ads":          {"upstream_ads 75:30"},
}

// Doctor names the cause of each broken bootstrap at the right place, and finds nothing else.
func TestBroken(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*")
	if err != nil || len(files) != len(broken) {
		t.Fatalf("%d files for %d cases, %v", len(files), len(broken), err)
	}
	for _, path := range files {
		name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(path), ".yaml"), ".json")
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, f := range check(t, path).Findings {
				got = append(got, fmt.Sprintf("%s %d:%d", f.Code, f.Line, f.Column))
				if f.Code != "spec_not_asked" && f.File != path {
					t.Errorf("the file is %q", f.File)
				}
				if f.Message == "" || f.Hint == "" {
					t.Errorf("an empty message or hint: %+v", f)
				}
			}
			if diff := cmp.Diff(broken[name], got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestGood(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, path := range files {
		report := check(t, path)
		if len(report.Findings) > 0 {
			t.Errorf("%s: %+v", path, report.Findings)
		}
		if len(report.Notes) == 0 {
			t.Errorf("%s: not a word about the boot", path)
		}
	}
}

// noPatch are the findings without a patch: nobody but the operator knows the right value.
var noPatch = map[string]bool{"merge_key": true, "modules_address": true, "spec_not_asked": true}

// The patch of each broken bootstrap heals the bootstrap.
func TestPatchesHeal(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			for _, f := range check(t, path).Findings {
				if f.Patch == "" {
					if !noPatch[f.Code] {
						t.Errorf("%s has no patch", f.Code)
					}
					continue
				}
				if left := check(t, apply(t, path, f.Patch)).Findings; len(left) > 0 {
					t.Errorf("%s is left after\n%s", left[0].Message, f.Patch)
				}
			}
		})
	}
}

// A good bootstrap without reports gets notes, and their patches add the reports.
func TestSuggestions(t *testing.T) {
	for name, form := range map[string]func(string) string{
		"block": func(text string) string { return text },
		"other sinks and logs": func(text string) string {
			text = strings.Replace(text, "admin:", "stats_sinks:\n- name: statsd\nadmin:", 1)
			return strings.Replace(text, "          stat_prefix: web\n", "          stat_prefix: web\n          access_log:\n          - name: file\n", 1)
		},
		"another cluster": func(text string) string { return strings.ReplaceAll(text, "wasm_xds\n", "control\n") },
	} {
		t.Run(name, func(t *testing.T) {
			good, err := os.ReadFile("testdata/good/edge.yaml")
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "edge.yaml")
			for _, code := range []string{"no_stats_sink", "no_trap_log"} {
				text := form(string(good))
				if code == "no_trap_log" {
					text = string(good)
				}
				write(t, path, text)
				var left []envoyconfig.Finding
				for _, f := range check(t, path).Suggestions {
					if f.Code == code {
						left = check(t, apply(t, path, relative(path, f.Patch))).Suggestions
					}
				}
				if len(left) != 1 || left[0].Code == code || left[0].Severity != envoyconfig.SeverityNote {
					t.Errorf("after the patch of %s, the suggestions are %+v", code, left)
				}
			}
		})
	}
}

// A stats sink of wasm-xds that wasm-xds cannot use is a problem.
func TestWrongSink(t *testing.T) {
	good, err := os.ReadFile("testdata/good/edge.yaml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "edge.yaml")
	write(t, path, string(good))
	sunk := apply(t, path, relative(path, check(t, path).Suggestions[0].Patch))
	text, err := os.ReadFile(sunk)
	if err != nil {
		t.Fatal(err)
	}
	matcher := func(m string) string { return string(text) + "stats_config: {stats_matcher: {" + m + "}}\n" }
	for want, broken := range map[string]string{
		"":                 string(text),
		"stats_as_labels":  strings.Replace(string(text), "histogram_emit_mode: SUMMARY", "emit_tags_as_labels: true", 1),
		"stats_rejected":   matcher("reject_all: true"),
		"stats_rejected ":  matcher("exclusion_list: {patterns: [{prefix: http.}]}"),
		"stats_rejected  ": matcher("inclusion_list: {patterns: [{prefix: http.}, {contains: wasm}, {suffix: uptime}]}"),
		" ":                matcher("inclusion_list: {patterns: [{prefix: HTTP., ignore_case: true}, {prefix: wasm}, {safe_regex: {regex: '(server|cluster_manager).*'}}]}"),
		"  ":               matcher("exclusion_list: {patterns: [{exact: http}, {safe_regex: {regex: 'cluster'}}]}"),
	} {
		write(t, sunk, broken)
		var got []string
		for _, f := range check(t, sunk).Findings {
			got = append(got, f.Code)
		}
		if strings.Join(got, " ") != strings.TrimSpace(want) {
			t.Errorf("%v, want %s", got, want)
		}
	}
}

// relative makes the paths of a patch relative.
func relative(path, patch string) string {
	return strings.ReplaceAll(patch, path, strings.TrimPrefix(path, "/"))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// apply applies a patch to a copy of a file, and returns the path of the copy.
func apply(t *testing.T, path, patch string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	healed := filepath.Join(dir, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(healed), 0o755), os.WriteFile(healed, text, 0o644)); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("git", "apply", "-p0")
	c.Dir, c.Stdin = dir, strings.NewReader(patch)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, patch)
	}
	return healed
}

// Any configuration can be checked, and each patch fits the file.
func FuzzCheck(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*", "testdata/broken/*"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatal(pattern, err)
		}
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, problem := envoyconfig.Read("f", func(path string) ([]byte, *spec.Error) {
			if path != "f" {
				return nil, &spec.Error{Message: "no such file"}
			}
			return []byte(text), nil
		})
		if problem != nil {
			return
		}
		for _, o := range []doctor.Options{{}, {SpecsKnown: true, Specs: []*spec.Spec{{Name: "auth", Type: spec.HTTP}}}} {
			for _, finding := range doctor.Check(c, o).Findings {
				if finding.Code == "" || finding.Message == "" {
					t.Errorf("%+v", finding)
				}
			}
		}
	})
}
