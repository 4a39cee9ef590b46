package command

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// OutputFlag adds -o with a command's formats. The first format is the default.
func OutputFlag(c *cobra.Command, formats ...string) *string {
	value := formats[0]
	c.Flags().VarP(&choiceOf[string]{&value, formats}, "output", "o", "`format` of what is printed: "+List(formats))
	Action(c.Flags(), "output")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	return &value
}

// ChoiceFlag adds a flag that takes one of a few words, with their completion. The variable keeps
// its value as the default.
func ChoiceFlag[T ~string](c *cobra.Command, value *T, words []T, name, usage string) {
	c.Flags().Var(&choiceOf[T]{value, words}, name, usage)
	offered := make([]string, len(words))
	for i, word := range words {
		offered[i] = string(word)
	}
	_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(offered, cobra.ShellCompDirectiveNoFileComp)) // fails only for a missing flag
}

// WantsJSON says whether a command was called with -o json. c may be nil.
func WantsJSON(c *cobra.Command) bool {
	if c == nil {
		return false
	}
	f := c.Flags().Lookup("output")
	return f != nil && f.Value.String() == "json"
}

// choiceOf is the value of a flag that takes one of a few words.
type choiceOf[T ~string] struct {
	value *T
	of    []T
}

func (c *choiceOf[T]) String() string { return string(*c.value) }
func (c *choiceOf[T]) Type() string   { return "string" }

func (c *choiceOf[T]) Set(text string) error {
	if !slices.Contains(c.of, T(text)) {
		return fmt.Errorf("it is %s", List(c.of))
	}
	*c.value = T(text)
	return nil
}

// List is "a, b or c".
func List[T ~string](words []T) string {
	text := ""
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			text += " or "
		default:
			text += ", "
		}
		text += string(w)
	}
	return text
}

// Deliveries are the words of the flag delivery.
func Deliveries() []spec.Delivery { return []spec.Delivery{spec.Remote, spec.Inline, spec.File} }
