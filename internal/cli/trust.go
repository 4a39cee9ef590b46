package cli

import (
	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/netguard"
)

// trust says which modules a command takes, and from where.
type trust struct {
	denyPrivate bool
}

func (t *trust) addFlags(f *pflag.FlagSet) {
	f.BoolVar(&t.denyPrivate, "deny-private-networks", false,
		"fetch nothing from private networks and this machine (link-local and metadata addresses are always refused), and use no proxy")
}

func (t *trust) guard() netguard.Guard { return netguard.Guard{DenyPrivate: t.denyPrivate} }
