package cause

import (
	"bufio"
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// Explanation is the meaning of a NACK, or of a line of Envoy's log.
type Explanation struct {
	Code  string `json:"code"`
	Means string `json:"means"`
	Do    string `json:"do"`
	// See is a heading in docs/envoy-behaviour.md, or "".
	See string `json:"see,omitempty"`
	// Text is the first matching line, without control characters. Line is its number, 1-based.
	Text  string `json:"text"`
	Line  int    `json:"line"`
	Count int    `json:"count"` // number of matching lines
	// Filter is the filter's name in the line, or "".
	Filter string `json:"filter,omitempty"`
}

// The bounds of the input: a log may be endless and hostile.
const (
	maxLine         = 8 << 10 // bytes of a line that Explain looks at
	maxExplanations = 1000
)

// Explain reads Envoy's words, a line or a whole log, and returns their meaning in the order of the
// first lines. Lines with the same meaning give one explanation. Explain skips lines that the table
// of causes does not know. The error is the reader's.
func Explain(r io.Reader) ([]Explanation, error) {
	var all []Explanation
	at := map[string]int{} // index in all, by code and subject
	take := func(line string, number int) {
		e, ok := explainLine(line)
		if !ok {
			return
		}
		key := e.Code + "\x00" + e.Means + "\x00" + e.Filter
		if i, known := at[key]; known {
			all[i].Count++
		} else if len(all) < maxExplanations {
			e.Line, e.Count = number, 1
			at[key] = len(all)
			all = append(all, e)
		}
	}
	in := bufio.NewReaderSize(r, maxLine)
	begun := "" // a panic without its reason so far
	for number := 1; ; number++ {
		line, err := readLine(in)
		if begun != "" {
			if reason, ok := reasonIn(begun, line); ok {
				line = ""
				begun = strings.TrimRight(begun, " ") + " " + reason
			}
			take(begun, number-1)
			begun = ""
		}
		if OpensPanic(line) && err == nil {
			begun = line
		} else {
			take(line, number)
		}
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return all, err
		}
	}
}

// readLine returns the next line's first bytes, and drops the rest of a longer line.
func readLine(in *bufio.Reader) (string, error) {
	part, err := in.ReadSlice('\n')
	line := string(part)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = in.ReadSlice('\n')
	}
	return strings.TrimRight(line, "\r\n"), err
}

func explainLine(line string) (Explanation, bool) {
	words := withoutPrefix(line)
	if words == "" {
		return Explanation{}, false
	}
	s := symptomOf(words)
	for _, r := range rows() {
		if r.code == "foreign_import" && !envoysImport.MatchString(words) {
			continue // any word with a dot looks like an import
		}
		if what, ok := r.match(s); ok {
			return Explanation{
				Code: r.code, Means: fill(r.means, finding.OneLine(what)), Do: fill(r.do, finding.OneLine(what)), See: r.see,
				Text: finding.OneLine(line), Filter: filterIn(words),
			}, true
		}
	}
	return Explanation{}, false
}

var pluginName = regexp.MustCompile(`(?i)(?:unable to create wasm plugin|wasm log) +([\w./-]+)`)

func filterIn(words string) string {
	if m := pluginName.FindStringSubmatch(words); m != nil {
		return strings.TrimRight(m[1], ".")
	}
	return ""
}
