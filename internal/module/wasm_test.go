package module

import (
	"bytes"
	"strings"
	"testing"
)

const wasmHeader = "\x00asm\x01\x00\x00\x00"

// goodWasm has a type, a function, a custom section and the function's code.
const goodWasm = wasmHeader +
	"\x01\x04\x01\x60\x00\x00" + // types: () -> ()
	"\x03\x02\x01\x00" + // functions: one of type 0
	"\x0a\x04\x01\x02\x00\x0b" + // code: one empty body
	"\x00\x05\x04name" // custom

func TestCheckWasm(t *testing.T) {
	tests := []struct {
		name, content string
		code          string // "": good
		says          string
	}{
		{"good", goodWasm, "", ""},
		{"header only", wasmHeader, "", ""},
		{"padded size", wasmHeader + "\x01\x84\x80\x80\x80\x00\x01\x60\x00\x00", "", ""},
		{"nonsense in a good frame", wasmHeader + "\x02\x03\xff\xff\x03", "", ""},
		{"empty", "", CodeIncomplete, "0 bytes"},
		{"half a magic", "\x00a", CodeIncomplete, "2 bytes"},
		{"half a version", "\x00asm\x01\x00", CodeIncomplete, "6 bytes"},
		{"short text", "hello", CodeNotWasm, "68 65 6c 6c"},
		{"garbage", "this is garbage, not a module", CodeNotWasm, "74 68 69 73"},
		{"zeros", strings.Repeat("\x00", 100), CodeNotWasm, "00 00 00 00"},
		{"gzip", "\x1f\x8b\x08\x00" + goodWasm, CodeNotWasm, "gzip"},
		{"text", "(module (func))", CodeNotWasm, "text format"},
		{"html", "<!DOCTYPE html><html>", CodeNotWasm, "HTML"},
		{"git-lfs", "version https://git-lfs.github.com/spec/v1\n", CodeNotWasm, "git-lfs"},
		{"component", "\x00asm\x0d\x00\x01\x00\x01\x00", CodeComponent, "core modules"},
		{"other version", "\x00asm\x02\x00\x00\x00", CodeNotWasm, "02 00 00 00"},
		{"one byte more", goodWasm + "\x01", CodeIncomplete, "head of a section"},
		{"zeros after it", goodWasm + strings.Repeat("\x00", 50), CodeIncomplete, "nothing is in the section"},
		{"empty section", wasmHeader + "\x01\x00\x00", CodeIncomplete, "nothing is in the section"},
		{"no name", goodWasm + "\x00\x02\x05a", CodeIncomplete, "nothing is in the section"},
		{"beyond the end", wasmHeader + "\x01\x05\x01\x60\x00\x00", CodeIncomplete, "ends at 15, the file at 14"},
		{"far beyond the end", wasmHeader + "\x01\xff\xff\xff\xff\x0f\x01", CodeIncomplete, "the file at 15"},
		{"size of 33 bits", wasmHeader + "\x01\xff\xff\xff\xff\x1f\x01", CodeMalformed, "32 bits"},
		{"endless size", wasmHeader + "\x01\x80\x80\x80\x80\x80\x80\x00", CodeMalformed, "32 bits"},
		{"unknown section", wasmHeader + "\x0e\x01\x00", CodeMalformed, "id 14"},
		{"functions without code", wasmHeader + "\x03\x02\x01\x00", CodeIncomplete, "1 functions and has the code of 0"},
		{"code without functions", wasmHeader + "\x0a\x04\x01\x02\x00\x0b", CodeIncomplete, "0 functions and has the code of 1"},
		{"announced data", wasmHeader + "\x0c\x01\x02", CodeIncomplete, "2 data segments and has 0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := checkWasm(strings.NewReader(test.content), int64(len(test.content)))
			switch {
			case test.code == "" && err != nil:
				t.Errorf("got %s: %v", err.Code, err)
			case test.code != "" && err == nil:
				t.Errorf("it passes, want %s", test.code)
			case err != nil && (err.Code != test.code || !strings.Contains(err.Message, test.says)):
				t.Errorf("got %s: %v, want %s: …%s…", err.Code, err, test.code, test.says)
			}
		})
	}
}

// A copy in progress may end anywhere: no prefix of a module may look complete.
func TestCheckWasmCutOff(t *testing.T) {
	// The prefixes that are complete modules themselves.
	whole := map[int]bool{8: true, 14: true, 24: true}
	for cut := range len(goodWasm) {
		content := goodWasm[:cut]
		err := checkWasm(strings.NewReader(content), int64(cut))
		if whole[cut] {
			continue
		}
		if err == nil || err.Code != CodeIncomplete || !strings.Contains(err.Hint, pickedUp) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

func TestCheckWasmBeyondTheBuffer(t *testing.T) {
	large := goodWasm + "\x00\x80\x80\x10\x01" + strings.Repeat("x", 1<<18-1)
	if err := checkWasm(strings.NewReader(large), int64(len(large))); err != nil {
		t.Error(err)
	}
	many := []byte(goodWasm + strings.Repeat("\x00\x02\x01x", 1<<17))
	if err := checkWasm(bytes.NewReader(many), int64(len(many))); err != nil {
		t.Error(err)
	}
}

func FuzzCheckWasm(f *testing.F) {
	for _, seed := range []string{
		goodWasm, goodWasm[:20], wasmHeader, "", "\x00asm\x0d\x00\x01\x00", wasmHeader + "\x01\xff\xff\xff\xff\x0f",
		goodWasm + "\x00\x00", wasmHeader + "\x03\x01\x80",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		err := checkWasm(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			if err.Code == "" || err.Message == "" {
				t.Fatalf("an error without words: %+v", err)
			}
			return
		}
		if !bytes.HasPrefix(content, []byte(wasmHeader)) {
			t.Fatal("passes without the header")
		}
		// If a module passes, the same module followed by the zero of an unfinished copy must fail.
		more := append(bytes.Clone(content), 0)
		if checkWasm(bytes.NewReader(more), int64(len(more))) == nil {
			t.Fatal("half a section's head passes")
		}
		zeros := append(bytes.Clone(content), 0, 0)
		if checkWasm(bytes.NewReader(zeros), int64(len(zeros))) == nil {
			t.Fatal("an empty section passes")
		}
	})
}
