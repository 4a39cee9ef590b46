// Package guides runs the guides: every command of a page, in order, and every configuration that a
// page shows.
//
// The blocks of a page are fenced. A comment before a block says how the test treats it:
//
//   - <!-- file: NAME --> the block is the content of a file in the page's directory.
//   - <!-- background --> the commands go on running while the next blocks run.
//   - <!-- until: TEXT --> the commands are repeated until their output has the text.
//   - <!-- fails --> the last command is expected to fail.
//   - <!-- output --> the block shows the output of a command, and is not run.
//   - <!-- elsewhere: WHERE --> the block cannot run here. WHERE names the test that has it, or why
//     there is none.
package guides

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Block is a fenced block of a page.
type Block struct {
	Line     int    // of the fence
	Language string // of the fence: sh, yaml, json
	Text     string
	// Treatment is the word of the comment before the block, and Detail the rest; "": none.
	Treatment, Detail string
}

// treatments are the words that a comment may begin with.
var treatments = []string{"file", "background", "until", "fails", "output", "elsewhere"}

var comment = regexp.MustCompile(`^<!-- ([a-z]+)(?:: (.+))? -->$`)

// Blocks returns the blocks of a page.
func Blocks(page string) ([]Block, error) {
	var blocks []Block
	var open *Block
	var treatment, detail string
	for i, line := range strings.Split(page, "\n") {
		switch {
		case open != nil && line == "```":
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.Text += line + "\n"
		case strings.HasPrefix(line, "```"):
			open = &Block{Line: i + 1, Language: strings.TrimPrefix(line, "```"), Treatment: treatment, Detail: detail}
			treatment, detail = "", ""
		case strings.HasPrefix(line, "    ") && strings.TrimSpace(line) != "" && !inList(line):
			return nil, fmt.Errorf("line %d: a block of code without a fence", i+1)
		case comment.MatchString(line):
			found := comment.FindStringSubmatch(line)
			if !slices.Contains(treatments, found[1]) {
				return nil, fmt.Errorf("line %d: there is no treatment %q", i+1, found[1])
			}
			treatment, detail = found[1], found[2]
		case strings.TrimSpace(line) != "":
			treatment, detail = "", ""
		}
	}
	if open != nil {
		return nil, fmt.Errorf("line %d: the block has no end", open.Line)
	}
	return blocks, nil
}

// inList reports whether an indented line goes on with an item of a list.
func inList(line string) bool {
	return !strings.HasPrefix(line, "     ") && strings.HasPrefix(line, "    - ")
}
