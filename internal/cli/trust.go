package cli

import (
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/internal/signature"
)

// trust configures which modules a command takes, and from which places.
type trust struct {
	denyPrivate bool
	keys        []string // absolute after validate
}

func (t *trust) addFlags(f *pflag.FlagSet) {
	f.BoolVar(&t.denyPrivate, "deny-private-networks", false,
		"fetch nothing from private networks and this machine (link-local and metadata addresses are always refused), and use no proxy")
	f.StringArrayVar(&t.keys, "verify-key", nil,
		"`file` with a public key; every module must be signed with one of them, whatever its spec asks for beside; several times for several")
}

// validate makes the paths absolute, and reads the keys: with unreadable keys, a server would
// take no module.
func (t *trust) validate() error {
	for i, path := range t.keys {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		t.keys[i] = absolute
	}
	_, err := signature.ReadKeys(t.keys)
	return err
}

func (t *trust) guard() netguard.Guard { return netguard.Guard{DenyPrivate: t.denyPrivate} }
