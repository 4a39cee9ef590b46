package fetch

import (
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/internal/signature"
)

// Trust configures which modules a command takes, and from which places.
type Trust struct {
	denyPrivate bool
	Keys        []string // files; absolute after Validate
}

// AddFlags adds the flags.
func (t *Trust) AddFlags(f *pflag.FlagSet) {
	f.BoolVar(&t.denyPrivate, "deny-private-networks", false,
		"fetch nothing from private networks and this machine (link-local and metadata addresses are always refused), and use no proxy")
	f.StringArrayVar(&t.Keys, "verify-key", nil,
		"`file` with a public key; every module must be signed with one of them, whatever its spec asks for beside; several times for several")
}

// Validate makes the paths absolute, and reads the keys: with unreadable keys, a server would
// take no module.
func (t *Trust) Validate() error {
	for i, path := range t.Keys {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		t.Keys[i] = absolute
	}
	_, err := signature.ReadKeys(t.Keys)
	return err
}

// Guard decides which addresses are connected to.
func (t *Trust) Guard() netguard.Guard { return netguard.Guard{DenyPrivate: t.denyPrivate} }
