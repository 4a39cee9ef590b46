// Package configfile reads the configuration file of a server. The file has the server's flags
// under the same names: `rescan: 10s` is the flag --rescan 10s.
//
// The command line wins over the environment, and the environment wins over the file. A relative
// path in the file is relative to the file's directory, as it is in a spec.
package configfile

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Flag is the name of the flag with the path of the file.
const Flag = "config"

// sources is the setting that stands for the command's arguments.
const sources = "sources"

// largest is the size of the largest file, in bytes: far more than all flags need.
const largest = 1 << 20

// AddFlag adds the flag with the path of the file to a command.
func AddFlag(c *cobra.Command) {
	c.Flags().String(Flag, "", "YAML `file` with any of these flags under the same names, and the arguments under sources; "+
		"flags and environment win over it")
	_ = c.MarkFlagFilename(Flag, "yaml", "yml") // fails only for a missing flag
}

// File is a configuration file that was applied to a command. The zero value stands for no file.
type File struct {
	Sources []string // the command's arguments; nil if the file has none
	places  map[string]spec.Position
}

// Apply reads the file that the command's flag names, and sets all flags of the file that neither
// the command line nor the environment has set. The errors are of type [*spec.Error], with a place
// in the file. Apply joins the errors of all settings, and returns the file with the others.
func Apply(c *cobra.Command) (File, error) {
	path := c.Flags().Lookup(Flag).Value.String()
	if path == "" {
		return File{}, nil
	}
	text, err := regular.Read(path, largest)
	if err != nil {
		return File{}, command.Failure("cannot_read", fmt.Sprintf("the configuration file %s cannot be read: %s", path, reason.Of(err)),
			"name another file with --"+Flag)
	}
	settings, problem := spec.ReadEntries(path, text)
	if problem != nil {
		return File{}, problem
	}
	directory, err := command.Absolute(filepath.Dir(path))
	if err != nil {
		return File{}, err
	}
	file := File{places: map[string]spec.Position{}}
	var problems []error
	for _, one := range settings {
		if problem := file.take(c, one, directory); problem != nil {
			problems = append(problems, problem)
		}
	}
	return file, errors.Join(problems...)
}

// take sets the flag of a setting.
func (f *File) take(c *cobra.Command, one spec.Entry, directory string) *spec.Error {
	if one.Name == sources {
		f.Sources = slices.Clone(one.Values)
		for i, source := range f.Sources {
			if !strings.Contains(source, "://") {
				f.Sources[i] = below(directory, source)
			}
		}
		return nil
	}
	flag := c.Flags().Lookup(one.Name)
	if flag == nil || !mayHave(flag) {
		return unknown(c, one)
	}
	if flag.Changed {
		return nil
	}
	if name, _ := pflag.UnquoteUsage(flag); name == "file" || name == "directory" {
		for i, value := range one.Values {
			one.Values[i] = below(directory, value)
		}
	}
	if err := set(c.Flags(), flag, one); err != nil {
		return bad(one.At, fmt.Sprintf("invalid value for %s: %s", one.Name, command.FlagReason(err)), "see "+c.CommandPath()+" --help")
	}
	f.places[one.Name] = one.Pos
	return nil
}

// set sets a flag with one value, or a flag that may be repeated.
func set(flags *pflag.FlagSet, flag *pflag.Flag, one spec.Entry) error {
	list, repeats := flag.Value.(pflag.SliceValue)
	switch {
	case !one.IsList:
		return flags.Set(flag.Name, one.Values[0])
	case !repeats:
		return errors.New("it takes one value, not a list")
	default:
		flag.Changed = true
		return list.Replace(one.Values)
	}
}

// below makes a relative path absolute.
func below(directory, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(directory, path)
}

// mayHave says whether the file may have a flag. It may have the flags that the environment may
// have, but for the path of the file itself.
func mayHave(f *pflag.Flag) bool { return f.Name != Flag && command.HasEnv(f) }

func unknown(c *cobra.Command, one spec.Entry) *spec.Error {
	names := []string{sources}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if mayHave(f) && !f.Hidden && f.Deprecated == "" {
			names = append(names, f.Name)
		}
	})
	hint := "the names are the flags of " + c.CommandPath() + " without their dashes, and " + sources
	plain := strings.ReplaceAll(strings.TrimLeft(one.Name, "-"), "_", "-")
	if near := spec.Nearest(plain, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	} else if slices.Contains(names, plain) {
		hint = fmt.Sprintf("write it as %q", plain)
	}
	return bad(one.Pos, fmt.Sprintf("unknown setting %q", one.Name), hint)
}

// codeBadConfig is the code of errors in a configuration file.
const codeBadConfig = "bad_config_file"

// bad is an error about a place in the file.
func bad(at spec.Position, message, hint string) *spec.Error {
	return &spec.Error{Code: codeBadConfig, Message: message, Hint: hint, Pos: at}
}

// Place gives an error that names a flag of the file its place in the file. It returns other errors
// as usage errors of the command.
func (f *File) Place(c *cobra.Command, err error) error {
	for word := range strings.FieldsSeq(err.Error()) {
		name, isFlag := strings.CutPrefix(strings.Trim(word, ":;,.()"), "--")
		if at, ours := f.places[name]; isFlag && ours {
			return bad(at, err.Error(), "see "+c.CommandPath()+" --help")
		}
	}
	return command.Usage(c, err.Error())
}
