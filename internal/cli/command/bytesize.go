package command

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// SizeFlag adds a flag with a size in bytes. The variable keeps its value as the default.
func SizeFlag[T int | int64](f *pflag.FlagSet, value *T, name, usage string) {
	f.Var(&byteSize[T]{value}, name, usage)
}

// byteSize is a flag's value in bytes: a number, or a number with KiB, MiB or GiB.
type byteSize[T int | int64] struct{ value *T }

// String is the value in the form that Set reads.
func (b *byteSize[T]) String() string {
	n := int64(*b.value)
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", n>>10)
	default:
		return strconv.FormatInt(n, 10)
	}
}

// Set reads a value.
func (b *byteSize[T]) Set(text string) error {
	unit := T(1)
	for suffix, size := range map[string]T{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if number, found := strings.CutSuffix(text, suffix); found {
			text, unit = number, size
			break
		}
	}
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31)
	if err != nil {
		return fmt.Errorf("it is no number of bytes, as 65536, 64KiB or 4MiB")
	}
	*b.value = T(n) * unit
	return nil
}

// Type is the name in usage texts.
func (b *byteSize[T]) Type() string { return "size" }
