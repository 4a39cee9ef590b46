package persist

import (
	"encoding/json"
	"errors"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/findings"
)

// Modules has the modules on disk.
type Modules interface {
	// Sync returns when all modules survive a power failure.
	Sync() error
}

// Writer writes the files. A method must not run twice at the same time; different methods may run
// concurrently.
type Writer struct {
	files   Files
	modules Modules
	text    stateText
}

// NewWriter returns a writer.
func NewWriter(files Files, modules Modules) *Writer { return &Writer{files: files, modules: modules} }

// State saves the state, after the modules of the state.
func (w *Writer) State(s State) error {
	s.Format = stateFormat
	s.Memory.Tidy()
	text, err := w.text.of(s)
	if err != nil {
		return err
	}
	return errors.Join(w.modules.Sync(), w.files.Sync(unsettledFile), w.files.Save(stateFile, text))
}

// Unsettled writes the unsettled nodes. It does not wait for the disk: a power failure before the
// next save of the state may forget them.
func (w *Writer) Unsettled(u delivery.Unsettled) error {
	text, err := json.Marshal(u)
	if err != nil {
		return err
	}
	return w.files.Write(unsettledFile, text)
}

// Findings writes the sandbox's findings. It does not wait for the disk: a torn file after a power
// failure is detected by its hash, and the checks run again.
func (w *Writer) Findings(sandbox string, all findings.Used) error {
	text, err := findings.Encode(sandbox, all)
	if err != nil {
		return err
	}
	return w.files.Write(findingsFile, text)
}

// LoadFindings reads the sandbox's findings. The error is [io/fs.ErrNotExist] if there are none.
func LoadFindings(files Files) ([]byte, error) { return files.Load(findingsFile) }
