package adopting

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/wasm-xds/wasm-xds/internal/adopt"
	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// maxModule is the size of the largest module for wasm-xds, in bytes.
const maxModule = 256 << 20

// file is a file to write.
type file struct {
	path    string
	text    []byte
	present bool // already there, with this text
}

// checkOutput refuses to write over the input.
func checkOutput(o Options) *spec.Error {
	if o.Out == "" {
		return nil
	}
	input, err := os.Stat(o.Path)
	if err != nil {
		return command.Failure("path_unreadable", o.Path+" cannot be read: "+reason.Of(err), "")
	}
	if output, err := os.Stat(o.Out); err == nil && os.SameFile(input, output) {
		return command.Failure(command.CodeUsage, "--out names the file that is read", "--in-place writes the result into it")
	}
	return nil
}

// prepareSpecs reads the modules, and compares the files with the present files. prepareSpecs
// writes nothing, and refuses to replace a file of another content.
func prepareSpecs(plan *adopt.Plan, dir string) ([]file, *spec.Error) {
	var files []file
	for i := range plan.Specs {
		one := &plan.Specs[i]
		if m := one.Module; m != nil {
			bytes, problem := moduleOf(plan, one)
			if problem != nil {
				return nil, problem
			}
			if bytes != nil {
				files = append(files, file{path: filepath.Join(dir, m.Name), text: bytes})
			}
		}
		files = append(files, file{path: filepath.Join(dir, one.Name), text: one.Text})
	}
	for i := range files {
		there, err := regular.Read(files[i].path, maxModule)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, command.Failure("cannot_write", files[i].path+" cannot be written: "+reason.Of(err), "name another directory with --specs")
		case !bytes.Equal(withoutOrigin(there), withoutOrigin(files[i].text)):
			return nil, command.Failure("exists", files[i].path+" is there already, with another content",
				"name another directory with --specs, or remove the file")
		default:
			files[i].present = true
		}
	}
	return files, nil
}

// withoutOrigin returns a spec without the comment about the origin: another run on a renamed file
// would write another comment.
func withoutOrigin(text []byte) []byte {
	if first, rest, ok := bytes.Cut(text, []byte("\n")); ok && bytes.HasPrefix(first, []byte("# Taken out of ")) {
		return rest
	}
	return text
}

// moduleOf returns the module to write. If the file cannot be read here, the spec has the module's
// path as Envoy knows the file, and there is nothing to write.
func moduleOf(plan *adopt.Plan, one *adopt.SpecFile) ([]byte, *spec.Error) {
	m := one.Module
	if m.From == "" {
		return m.Bytes, nil
	}
	module, err := regular.Read(m.From, maxModule)
	if err == nil {
		return module, nil
	}
	path, absolute := filepath.Abs(m.From)
	if absolute != nil {
		path = m.From
	}
	one.Text = bytes.Replace(one.Text, []byte("  file: ./"+m.Name+"\n"), []byte("  file: "+strconv.Quote(path)+"\n"), 1)
	one.Module = nil
	plan.Warnings = append(plan.Warnings, adopt.Note{
		Message: "the module cannot be read here (" + reason.Of(err) + "), so the spec names it where Envoy has it: " +
			"copy it to the directory of specs, or name its directory with serve --files-root",
		Pos: m.Pos,
	})
	return nil, nil
}

// write writes the specs first: the new configuration needs them.
func (o Options) write(plan *adopt.Plan, files []file, s *summary) error {
	for path, text := range o.SDS {
		if err := writeFile(path, text, "--tls-sds-dir"); err != nil {
			return err
		}
	}
	for _, f := range files {
		if f.present {
			continue
		}
		if err := writeFile(f.path, f.text, "--specs"); err != nil {
			return err
		}
	}
	for i := range s.Specs {
		s.Specs[i].Written = true
	}
	target, mode := o.Out, fs.FileMode(0o644)
	if info, err := os.Stat(o.Path); err == nil {
		mode = info.Mode().Perm()
	}
	if o.InPlace {
		var err error
		if target, err = filepath.EvalSymlinks(o.Path); err != nil {
			return err
		}
	}
	if target == "" || o.InPlace && !plan.Changed {
		return nil
	}
	if err := atomicfile.WriteFile(target, plan.Text, mode); err != nil {
		return command.Failure("cannot_write", target+" cannot be written: "+reason.Of(err), "")
	}
	s.Output = target
	return nil
}

// writeFile writes a file and its directory. flag names the directory.
func writeFile(path string, text []byte, flag string) error {
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = atomicfile.WriteFile(path, text, 0o644) // as a whole, since a running program may watch the file
	}
	if err != nil {
		return command.Failure("cannot_write", path+" cannot be written: "+reason.Of(err), "name another directory with "+flag)
	}
	return nil
}
