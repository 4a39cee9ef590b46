package module

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// headerSize is the size of Wasm's magic and version.
const headerSize = 8

var (
	wasmMagic        = []byte("\x00asm")
	coreVersion      = []byte{1, 0, 0, 0}
	componentVersion = []byte{0x0d, 0, 1, 0}
)

// Sections with paired entries, and the last known section.
const (
	sectionCustom    = 0
	sectionFunction  = 3
	sectionCode      = 10
	sectionData      = 11
	sectionDataCount = 12
	sectionLast      = 13 // tags, of the exception proposal
)

// foreign are the first bytes of other files that people mistake for a Wasm module.
var foreign = []struct{ prefix, what, hint string }{
	{"\x1f\x8b", "gzip", "unpack it"},
	{"\x28\xb5\x2f\xfd", "zstd", "unpack it"},
	{"PK\x03\x04", "a zip archive", "unpack it"},
	{"(module", "Wasm's text format", "translate it with wat2wasm"},
	{"(component", "a component's text", "build a core module instead"},
	{"\x7fELF", "a program for this machine", "build it for wasm32"},
	{"version https://git-lfs", "a git-lfs pointer", "run git lfs pull"},
	{"<", "HTML or XML", "look whether the download needs a log-in"},
	{"{", "JSON", "name the module itself"},
}

// checkWasm checks that a file is a complete core module, as far as the framing shows. The sections
// must follow each other exactly to the end, and paired sections must have equal numbers of
// entries. The sandbox checks the contents. The error's message continues the module's name.
func checkWasm(file io.ReaderAt, size int64) *spec.Error {
	in := bufio.NewReaderSize(io.NewSectionReader(file, 0, size), int(min(size, 64<<10)))
	if err := checkHeader(in, size); err != nil {
		return err
	}
	w := &walk{in: in, size: size, at: headerSize}
	for w.at < size {
		if err := w.section(); err != nil {
			return wordWalk(err)
		}
	}
	return wordWalk(w.pairs())
}

func checkHeader(in *bufio.Reader, size int64) *spec.Error {
	start, _ := in.Peek(32)
	if size < headerSize {
		if size == 0 || bytes.HasPrefix(append(wasmMagic[:4:4], coreVersion...), start) {
			return incomplete(fmt.Errorf("has %d bytes only", size))
		}
		return notWasm(start)
	}
	if len(start) < headerSize {
		return incomplete(errors.New("cannot be read back"))
	}
	version := start[4:headerSize]
	switch {
	case !bytes.HasPrefix(start, wasmMagic):
		return notWasm(start)
	case bytes.Equal(version, coreVersion):
		_, _ = in.Discard(headerSize) // the bytes were peeked at before
		return nil
	case bytes.Equal(version, componentVersion):
		return &spec.Error{
			Code:    CodeComponent,
			Message: "is a WebAssembly component; Envoy runs core modules",
			Hint:    "build a core module: wasm32-wasip1 or wasm32-unknown-unknown, not wasm32-wasip2",
		}
	default:
		return &spec.Error{
			Code:    CodeNotWasm,
			Message: fmt.Sprintf("has the Wasm version % x; Envoy knows % x", version, coreVersion),
		}
	}
}

func notWasm(start []byte) *spec.Error {
	for _, f := range foreign {
		if bytes.HasPrefix(start, []byte(f.prefix)) {
			return &spec.Error{
				Code:    CodeNotWasm,
				Message: fmt.Sprintf("is not Wasm; it looks like %s", f.what), Hint: f.hint,
			}
		}
	}
	return &spec.Error{
		Code:    CodeNotWasm,
		Message: fmt.Sprintf("is not Wasm; it begins with % x instead of % x", start[:min(4, len(start))], wasmMagic),
		Hint:    "name the .wasm file that the compiler wrote",
	}
}

var (
	errIncomplete = errors.New("is incomplete")
	errMalformed  = errors.New("is malformed")
)

func incomplete(err error) *spec.Error {
	return &spec.Error{Code: CodeIncomplete, Message: fmt.Sprintf("is incomplete: it %v", err), Hint: pickedUp}
}

func wordWalk(err error) *spec.Error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errMalformed):
		return &spec.Error{Code: CodeMalformed, Message: err.Error(), Hint: "build it again"}
	default:
		return &spec.Error{Code: CodeIncomplete, Message: err.Error(), Hint: pickedUp + "; if nothing is being copied, build it again"}
	}
}

// walk reads a module's sections.
type walk struct {
	in     *bufio.Reader
	size   int64 // of the file
	at     int64 // offset of the next byte
	counts [sectionLast + 1]uint32
}

// section reads the header of one section and skips the content.
func (w *walk) section() error {
	start := w.at
	id, err := w.byte()
	if err != nil {
		return err
	}
	if id > sectionLast {
		return fmt.Errorf("%w: no section has the id %d, at byte %d", errMalformed, id, start)
	}
	length, err := w.uint32()
	if err != nil {
		return err
	}
	end := w.at + int64(length)
	if end > w.size {
		return fmt.Errorf("%w: the section at byte %d ends at %d, the file at %d", errIncomplete, start, end, w.size)
	}
	// No section is empty: each begins with a count, a custom section with the length of its name,
	// the start section with an index. A copy that reserves its space first leaves zeros, and zeros
	// would look like empty custom sections.
	first, err := w.uint32()
	if err != nil {
		return err
	}
	if w.at > end || id == sectionCustom && int64(first) > end-w.at {
		return fmt.Errorf("%w: nothing is in the section at byte %d", errIncomplete, start)
	}
	if id != sectionCustom {
		w.counts[id] += first
	}
	return w.skip(end - w.at)
}

// pairs compares the numbers of paired sections. Code without functions, or functions without code,
// shows the file was cut off between two sections.
func (w *walk) pairs() error {
	if functions, bodies := w.counts[sectionFunction], w.counts[sectionCode]; functions != bodies {
		return fmt.Errorf("%w: it declares %d functions and has the code of %d", errIncomplete, functions, bodies)
	}
	if declared, data := w.counts[sectionDataCount], w.counts[sectionData]; declared > data {
		return fmt.Errorf("%w: it declares %d data segments and has %d", errIncomplete, declared, data)
	}
	return nil
}

func (w *walk) byte() (byte, error) {
	b, err := w.in.ReadByte()
	if err == io.EOF {
		return 0, fmt.Errorf("%w: it ends within the head of a section, at byte %d", errIncomplete, w.at)
	}
	w.at++
	return b, err
}

// uint32 reads an unsigned LEB128 of at most 32 bits.
func (w *walk) uint32() (uint32, error) {
	start := w.at
	var value uint64
	for shift := 0; shift < 35; shift += 7 {
		b, err := w.byte()
		if err != nil {
			return 0, err
		}
		value |= uint64(b&0x7f) << shift
		if b&0x80 != 0 {
			continue
		}
		if value > 1<<32-1 {
			break
		}
		return uint32(value), nil
	}
	return 0, fmt.Errorf("%w: the number at byte %d has more than 32 bits", errMalformed, start)
}

func (w *walk) skip(n int64) error {
	// Sizes have 32 bits, which may exceed the int of Discard.
	for n > 0 {
		done, err := w.in.Discard(int(min(n, 1<<30)))
		w.at += int64(done)
		n -= int64(done)
		if err != nil {
			return err
		}
	}
	return nil
}
