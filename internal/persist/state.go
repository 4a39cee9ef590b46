package persist

import (
	"encoding/json"
	"errors"
	"io/fs"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/internal/tags"
)

// The names of the files.
const (
	stateFile = "state.json"
	// unsettledFile is separate from the state because pushes wait for the file. The file stays
	// small with any number of filters.
	unsettledFile = "unsettled.json"
	// findingsFile has the sandbox's findings.
	findingsFile = "verdicts.json"
)

const stateFormat = 1

// State is the file from which a restart continues. The file has plugin configurations, and
// therefore only its owner may read it.
// See docs/RATIONALE.md#why-is-the-state-one-file-written-whole.
type State struct {
	Format int             `json:"format"` // the writer sets it
	Memory delivery.Memory `json:"memory"`
	Pins   desired.Pins    `json:"pins,omitempty"`
	// Namings are the digests of tags in registries, by filter. Null: an older version, which
	// knew only Tags, has written the state.
	Namings map[string]tags.Saved `json:"namings,omitzero"`
	// Tags are digests by reference, for an older version of wasm-xds.
	Tags map[string]string `json:"tags,omitempty"`
}

// Files keeps small files across crashes. [internal/state.Dir] is the implementation on a disk.
type Files interface {
	// Save returns when the data survives a power failure, and Write when the data survives the
	// process. Sync makes written data survive a power failure.
	Save(name string, data []byte) error
	Write(name string, data []byte) error
	Sync(name string) error
	Load(name string) ([]byte, error)
}

// foreignFile keeps a state that this version does not understand, because the next save overwrites
// the state.
const foreignFile = "state.foreign.json"

// Load reads the state of an earlier process. Missing files are no error. Load logs a file that
// cannot be read, and continues without it. A state of another format is kept as [foreignFile]: a
// newer version may have written it.
func Load(files Files, log *zap.Logger) State {
	var s State
	text, err := files.Load(stateFile)
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case text == nil:
		log.Error("the state cannot be read: starting without it", zap.Error(err))
	case err != nil || s.Format != stateFormat:
		log.Error("the state is of another format: starting without it", zap.Int("format", s.Format),
			zap.String("kept", foreignFile), zap.String("hint", "a newer version has written it: serve with that version again, with the kept file as "+stateFile),
			zap.Error(errors.Join(err, files.Save(foreignFile, text))))
		s = State{}
	}
	text, err = files.Load(unsettledFile)
	if err == nil {
		err = json.Unmarshal(text, &s.Memory.Unsettled)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Error("the canaries of before cannot be read", zap.Error(err))
	}
	return s
}
