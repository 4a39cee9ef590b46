package kit

import (
	"strings"
	"testing"
)

// On a terminal, init asks for missing choices, and again after a wrong answer.
func TestAsk(t *testing.T) {
	for _, tt := range []struct {
		name, in    string
		given, want choices
		asked       string // a part of the questions
	}{
		{"everything", "auth\nrust\nhttp\nauth\n", choices{}, choices{"auth", "rust", "http", "auth"}, "Language (go, rust, assemblyscript, cpp or zig) [go]: "},
		{"defaults", "auth\n\n\n\n", choices{}, choices{"auth", "go", "http", "headers"}, "Type (http or network) [http]: "},
		{"wrong answers", "A b\nauth\ncobol\nzig\nnetwork\n\n", choices{}, choices{"auth", "zig", "network", "logger"}, `"cobol" is none of them`},
		{"a path", "filters/auth\ncpp\n\n\n", choices{}, choices{"filters/auth", "cpp", "http", "headers"}, "Name of the filter: "},
		{"only the name is missing", "auth\n", choices{language: "go"}, choices{name: "auth", language: "go"}, "Name"},
		{"nothing is missing", "", choices{name: "a", language: "go"}, choices{name: "a", language: "go"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			got := tt.given
			if err := newAsker(strings.NewReader(tt.in), &out).complete(&got); err != nil || got != tt.want {
				t.Errorf("%+v, %v", got, err)
			}
			if !strings.Contains(out.String(), tt.asked) {
				t.Errorf("%q", out.String())
			}
		})
	}
	got := choices{}
	if err := newAsker(strings.NewReader("auth\n"), &strings.Builder{}).complete(&got); err == nil {
		t.Errorf("an end of the input is an answer: %+v", got)
	}
}
