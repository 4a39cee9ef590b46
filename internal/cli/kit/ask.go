package kit

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/kit/template"
)

// asker asks on a terminal for the choices that are missing on the command line.
type asker struct {
	in  *bufio.Reader
	out io.Writer
}

func newAsker(in io.Reader, out io.Writer) *asker { return &asker{bufio.NewReader(in), out} }

// complete fills in the missing choices. The type and the template are asked for only if the
// language is missing, too: with a language, the defaults are good.
func (a *asker) complete(o *choices) error {
	asked := o.language == ""
	if o.name == "" {
		text, err := a.ask("Name of the filter", "", func(text string) error { return template.CheckName(base(text)) })
		if err != nil {
			return err
		}
		o.name = text
	}
	for _, question := range []struct {
		text   string
		answer *string
		words  func() []string
	}{
		{"Language", &o.language, template.Languages},
		{"Type", &o.kind, types},
		{"Template", &o.from, func() []string { return froms(o.kind) }},
	} {
		if !asked || *question.answer != "" {
			continue
		}
		words := question.words()
		text, err := a.ask(question.text+" ("+command.List(words)+")", words[0], func(text string) error {
			if !contains(words, text) {
				return fmt.Errorf("%q is none of them", text)
			}
			return nil
		})
		if err != nil {
			return err
		}
		*question.answer = text
	}
	return nil
}

// ask asks until the answer is valid. An empty line means the default.
func (a *asker) ask(question, byDefault string, check func(string) error) (string, error) {
	for {
		fmt.Fprint(a.out, question)
		if byDefault != "" {
			fmt.Fprintf(a.out, " [%s]", byDefault)
		}
		fmt.Fprint(a.out, ": ")
		line, err := a.in.ReadString('\n')
		text := strings.TrimSpace(line)
		if text == "" {
			text = byDefault
		}
		if err != nil && line == "" {
			return "", errors.New("there is no answer: nothing was written")
		}
		problem := check(text)
		if problem == nil {
			return text, nil
		}
		fmt.Fprintln(a.out, " ", problem)
	}
}

// base is the last part of a path.
func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
