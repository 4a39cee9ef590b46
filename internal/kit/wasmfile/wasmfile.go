// Package wasmfile strips modules, and compares a module with the module of the build before. The
// package is pure.
package wasmfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/static"
)

// headerSize is the size of a module's magic number and version, in bytes.
const headerSize = 8

// ErrNotModule is the error for bytes without a module.
var ErrNotModule = errors.New("the compiler's output is no Wasm module")

// Strip returns a module without the sections for debuggers and linkers: names of functions, DWARF
// and the like. All other sections stay as they are.
func Strip(module []byte) ([]byte, error) {
	if len(module) < headerSize || string(module[:4]) != "\x00asm" {
		return nil, ErrNotModule
	}
	out := slices.Clone(module[:headerSize])
	for rest := module[headerSize:]; len(rest) > 0; {
		size, n := binary.Uvarint(rest[1:])
		if n <= 0 || size > uint64(len(rest)-1-n) {
			return nil, ErrNotModule
		}
		section, body := rest[:1+n+int(size)], rest[1+n:1+n+int(size)]
		rest = rest[len(section):]
		if section[0] == 0 && isForDebuggers(customName(body)) {
			continue
		}
		out = append(out, section...)
	}
	return out, nil
}

// customName is the name of a custom section; "": none.
func customName(body []byte) string {
	size, n := binary.Uvarint(body)
	if n <= 0 || size > uint64(len(body)-n) {
		return ""
	}
	return string(body[n : n+int(size)])
}

func isForDebuggers(name string) bool {
	switch name {
	case "name", "sourceMappingURL", "external_debug_info", "linking":
		return true
	}
	return strings.HasPrefix(name, ".debug_") || strings.HasPrefix(name, "reloc.")
}

// Change describes the change from a module to the next, in a few words. before is nil for the
// first build.
func Change(before *static.Description, after static.Description) string {
	switch {
	case before == nil:
		return "first build"
	case before.SHA256 == after.SHA256:
		return "unchanged"
	}
	var changes []string
	switch d := after.Size - before.Size; {
	case d == 0:
		changes = append(changes, "same size")
	default:
		changes = append(changes, fmt.Sprintf("%+d bytes", d))
	}
	for _, list := range []struct {
		what          string
		before, after []static.DescribedFunction
	}{{"calls", before.Imports, after.Imports}, {"exports", before.Exports, after.Exports}} {
		if added := missing(list.after, list.before); len(added) > 0 {
			changes = append(changes, list.what+" also "+strings.Join(added, ", "))
		}
		if gone := missing(list.before, list.after); len(gone) > 0 {
			changes = append(changes, list.what+" no more "+strings.Join(gone, ", "))
		}
	}
	return strings.Join(changes, "; ")
}

// missing returns the names in a list, without those of a second list.
func missing(all, in []static.DescribedFunction) []string {
	var names []string
	for _, f := range all {
		if !slices.ContainsFunc(in, func(other static.DescribedFunction) bool { return other.Module == f.Module && other.Name == f.Name }) {
			names = append(names, f.Name)
		}
	}
	return names
}
