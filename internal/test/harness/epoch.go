package harness

import (
	"os"
	"strconv"
	"strings"
)

// baseID is the name of the file with the number that the processes of hot restarts have in common.
const baseID = "base-id"

// restart is a place in a row of hot restarts.
type restart struct {
	baseID string // "": Envoy chooses the id
	epoch  int
}

// args are the arguments for a hot restart, and for the next process.
func (r restart) args(baseIDFile string) []string {
	if r.epoch == 0 {
		return []string{"--use-dynamic-base-id", "--base-id-path", baseIDFile}
	}
	return []string{"--base-id", r.baseID, "--base-id-path", baseIDFile, "--restart-epoch", strconv.Itoa(r.epoch)}
}

// removeSharedMemory removes the file that processes of hot restarts leave behind.
func removeSharedMemory(baseIDFile string) {
	if id, err := os.ReadFile(baseIDFile); err == nil {
		_ = os.Remove("/dev/shm/envoy_shared_memory_" + strings.TrimSpace(string(id)) + "0") // another process may have removed it
	}
}
