package spec_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const module = "module: {file: ./a.wasm}\n"

// TestLimits shows that Decode refuses text on which a parser would need too much memory, stack or
// time.
func TestLimits(t *testing.T) {
	repeat := strings.Repeat
	bomb := module + "config:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 20; i++ {
		bomb += fmt.Sprintf("  a%d: &a%d [%s*a%d]\n", i, i, repeat(fmt.Sprintf("*a%d, ", i-1), 9), i-1)
	}
	mergeBomb := module + "config:\n  a: &a {" + repeat("k: v, ", 1)
	for i := range 5000 {
		mergeBomb += fmt.Sprintf("k%d: v, ", i)
	}
	mergeBomb += "}\n" + "  b: [" + repeat("{<<: *a}, ", 3000) + "]\n"
	var manyErrors strings.Builder
	manyErrors.WriteString(module)
	for i := range 1000 {
		fmt.Fprintf(&manyErrors, "wibble%d: 1\n", i)
	}

	tests := map[string]struct {
		text   string
		code   string
		broken bool
	}{
		"size":              {module + "config: " + repeat("x", 1<<20), spec.CodeTooLarge, true},
		"tokens":            {module + "config: [" + repeat("1,", 60_000) + "]", spec.CodeTooLarge, true},
		"documents":         {repeat("---\n"+module, 501), spec.CodeTooLarge, true},
		"flow depth":        {"config: " + repeat("[", 100_000), spec.CodeTooLarge, true},
		"flow map depth":    {"config: " + repeat("{a: ", 50_000), spec.CodeTooLarge, true},
		"list depth":        {"config:\n  " + repeat("- ", 100_000) + "x", spec.CodeTooLarge, true},
		"explicit keys":     {repeat("? ", 100_000) + "x", spec.CodeTooLarge, true},
		"tags":              {"config: " + repeat("!a ", 60_000) + "x", spec.CodeTooLarge, true},
		"anchors":           {"config: " + repeat("&a ", 60_000) + "x", spec.CodeTooLarge, true},
		"long keys":         {repeat("k", 200_000) + ":\n" + repeat("  - x\n", 20_000), spec.CodeTooLarge, true},
		"alias bomb":        {bomb, spec.CodeTooLarge, false},
		"large alias":       {module + "config:\n- &a " + repeat("x", 400_000) + "\n" + repeat("- *a\n", 10_000), spec.CodeTooLarge, false},
		"merge bomb":        {mergeBomb, spec.CodeTooLarge, false},
		"number":            {module + "config: [0x" + repeat("f", 100_000) + "]", spec.CodeBadValue, false},
		"errors":            {manyErrors.String(), spec.CodeUnknownField, false},
		"not UTF-8":         {module + "config: \"\xff\"\n", spec.CodeBadYAML, true},
		"UTF-16":            {"\xff\xfen\x00a\x00", spec.CodeBadYAML, true},
		"control character": {module + "config: \"\x00\"\n", spec.CodeBadYAML, true},
		"unit separator":    {module + "config: \x1f\n", spec.CodeBadYAML, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			specs, errs, broken := spec.Decode("/specs/a.yaml", []byte(test.text))
			if len(specs) > 0 || broken != test.broken || len(errs) == 0 || errs[0].Code != test.code {
				t.Fatalf("got %d specs, broken %v, errors %v", len(specs), broken, errs)
			}
			if len(errs) > 51 {
				t.Errorf("%d errors", len(errs))
			}
		})
	}
}

// TestDepthWithinLimits shows the limits leave room for real configurations.
func TestDepthWithinLimits(t *testing.T) {
	deep := strings.Repeat(`{"a":[`, 15) + strings.Repeat(`]}`, 15)
	for name, text := range map[string]string{
		"deep": module + "config: " + deep,
		"wide": module + "config:\n" + strings.Repeat("- {a: 1, b: [x, y]}\n", 2000),
		"long": module + "config: |\n" + strings.Repeat("  {\"some\": [\"text\", 1]},\n", 30_000),
	} {
		if specs, errs, _ := spec.Decode("/specs/a.yaml", []byte(text)); len(specs) != 1 {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

// TestBytes decodes texts that look the same in editors.
func TestBytes(t *testing.T) {
	want, errs, _ := spec.Decode("/specs/a.yaml", []byte(module+"config: |\n  a\n  b\n"))
	if len(want) != 1 {
		t.Fatal(errs)
	}
	for name, text := range map[string]string{
		"byte order mark":  "\ufeff" + module + "config: |\n  a\n  b\n",
		"carriage returns": strings.ReplaceAll(module+"config: |\n  a\n  b\n", "\n", "\r\n"),
		"old Mac":          strings.ReplaceAll(module+"config: |\n  a\n  b\n", "\n", "\r"),
	} {
		got, errs, _ := spec.Decode("/specs/a.yaml", []byte(text))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %v\n%s", name, errs, diff)
		}
	}
}

func TestRelativeFile(t *testing.T) {
	specs, errs, _ := spec.Decode("filters/auth.yml", []byte("module: {file: ../target/a.wasm}\n"))
	if len(specs) != 1 {
		t.Fatal(errs)
	}
	want, err := filepath.Abs("target/a.wasm")
	if err != nil {
		t.Fatal(err)
	}
	if got := specs[0]; got.Name != "auth" || got.Module.File.Path != want || got.File != "filters/auth.yml" {
		t.Errorf("got name %q, path %q, file %q", got.Name, got.Module.File.Path, got.File)
	}
}

// TestErrorsKeepSecrets shows no error quotes a possible secret.
func TestErrorsKeepSecrets(t *testing.T) {
	for _, text := range []string{
		module + "config: {a: hunter2, a: hunter2, hunter2: {b: !x hunter2}, c: .inf}\n",
		module + "config: \"hunter2\n",
		module + "config: {a: hunter2\n",
		module + "config:\n  a: hunter2\n   b: hunter2: x\n",
		module + "config: {hunter2: 1, hunter2: 2}\n",
		module + "vm: {env: {A: [hunter2], B: {hunter2: x}}, config: {hunter2: 1, hunter2: 01}}\n",
		"module: {url: 'ftp://u:hunter2@x/'}\n",
		"module: {url: 'https://u:hunter2@%zz/'}\n",
	} {
		_, errs, _ := spec.Decode("/specs/a.yaml", []byte(text))
		if len(errs) == 0 {
			t.Errorf("no error for %q", text)
		}
		for _, e := range errs {
			if strings.Contains(e.Error(), "hunter2") {
				t.Errorf("a secret in %q", e.Error())
			}
		}
	}
}
