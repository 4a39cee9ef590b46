package command

import (
	"fmt"
	"io/fs"
	"strconv"

	"github.com/spf13/pflag"
)

// fileMode is a flag's value: permission bits in octal.
type fileMode struct{ value *fs.FileMode }

// ModeFlag adds a flag with permission bits. The variable keeps its value as the default.
func ModeFlag(f *pflag.FlagSet, value *fs.FileMode, name, usage string) {
	f.Var(fileMode{value}, name, usage)
}

// String is the value in the form that Set reads.
func (m fileMode) String() string { return fmt.Sprintf("%#o", uint32(*m.value)) }

// Set reads a value. Zero is refused: nobody could connect.
func (m fileMode) Set(text string) error {
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n == 0 || n > 0o777 {
		return fmt.Errorf("it is no mode of a file in octal, as 0660")
	}
	*m.value = fs.FileMode(n)
	return nil
}

// Type is the name in usage texts.
func (m fileMode) Type() string { return "mode" }
