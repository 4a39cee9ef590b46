package serve

import (
	"github.com/wasm-xds/wasm-xds/internal/address"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// checkExposure refuses an admin address within reach of other machines without TLS or tokens. A CA
// of clients is no substitute for tokens: each client could change filters, and many machines often
// share a CA.
func checkExposure(cfg *Config) error {
	a, err := address.Parse(cfg.AdminAddress)
	if err != nil {
		return addressProblem("--admin-address", cfg.AdminAddress, err)
	}
	if a.IsLocal() || cfg.AdminInsecure {
		return nil
	}
	encrypted := cfg.AdminTLS.CertFile != ""
	known := cfg.AdminTokenFile != ""
	var missing, hint string
	switch {
	case encrypted && known:
		return nil
	case encrypted && cfg.AdminTLS.ClientCAFile != "":
		missing, hint = "each client with a certificate could change filters", "give --admin-token-file"
	case encrypted:
		missing, hint = "everybody who reaches it could change filters", "give --admin-token-file"
	case known:
		missing, hint = "tokens would cross the network in plain text", "give --admin-tls-cert-file and --admin-tls-key-file"
	default:
		missing = "everybody who reaches it could change filters"
		hint = "give --admin-tls-cert-file, --admin-tls-key-file and --admin-token-file"
	}
	return &spec.Error{
		Code: "admin_exposed", Message: "other machines reach --admin-address " + cfg.AdminAddress + ", and " + missing,
		Hint: hint + "; or listen on 127.0.0.1 or a Unix socket; --admin-insecure starts all the same, for a network that is protected otherwise",
	}
}
