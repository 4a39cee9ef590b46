package serve

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/wasm-xds/wasm-xds/internal/address"
	"github.com/wasm-xds/wasm-xds/internal/certs"
	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
	"github.com/wasm-xds/wasm-xds/internal/seal"
	"github.com/wasm-xds/wasm-xds/internal/state"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// start is all input of a server before the first open port. Whatever the configuration names and
// the server only reads belongs here, so [Check] finds a problem there before the start.
type start struct {
	certificates *certificates
	identities   *identities
	tokens       *tokens
	webhooks     *webhooks
	traces       traces
	etcd         *etcdclient.Access // nil: the server decides alone
}

// close closes everything open, also after a problem.
func (s start) close() error {
	if s.certificates == nil {
		return nil
	}
	return s.certificates.close()
}

// readStart reads everything, also after a problem, and returns all problems.
func readStart(cfg *Config) (s start, problems []error) {
	read := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	var err error
	s.certificates, err = openCertificates(cfg)
	read(err)
	s.identities, err = openIdentities(cfg)
	read(err)
	s.tokens, err = openTokens(cfg)
	read(err)
	s.webhooks, err = openWebhooks(cfg)
	read(err)
	s.traces, err = openTraces(cfg)
	read(err)
	s.etcd, err = openEtcd(cfg)
	read(err)
	read(checkExposure(cfg))
	return s, problems
}

// Check reads the files for the start of a server with this configuration, and returns all
// problems. Check opens no port, asks no other machine, and leaves the state directory alone. So a
// check can run beside the server of the same configuration. Check does not read specs.
func Check(cfg Config) []error {
	start, problems := readStart(&cfg)
	if err := start.close(); err != nil {
		problems = append(problems, err)
	}
	for _, check := range []func(*Config) error{checkAddresses, checkStateDir, checkAudit, checkAuthorities} {
		if err := check(&cfg); err != nil {
			problems = append(problems, err)
		}
	}
	return problems
}

// checkAddresses looks for two equal addresses, and for sockets without a directory.
func checkAddresses(cfg *Config) error {
	taken := map[string]string{}
	var problems []error
	for _, one := range []struct{ flag, address string }{
		{"--xds-address", cfg.XDSAddress}, {"--modules-address", cfg.ModulesAddress}, {"--admin-address", cfg.AdminAddress},
	} {
		a, err := address.Parse(one.address)
		switch {
		case err != nil:
			problems = append(problems, addressProblem(one.flag, one.address, err))
		case taken[one.address] != "" && !strings.HasSuffix(one.address, ":0"):
			problems = append(problems, &spec.Error{
				Code: "address_in_use", Message: fmt.Sprintf("%s and %s are both %s", taken[one.address], one.flag, one.address),
				Hint: "give each its own address",
			})
		case a.IsSocket():
			if _, err := os.Stat(filepath.Dir(a.Path())); err != nil {
				problems = append(problems, addressProblem(one.flag, one.address, err))
			}
		}
		taken[one.address] = one.flag
	}
	return errors.Join(problems...)
}

// checkStateDir reads the keys of the state, and looks at the state directory, if there is one
// already.
func checkStateDir(cfg *Config) error {
	var keys *seal.Keys
	if cfg.StateKeyFile != "" {
		var err error
		if keys, _, err = seal.ReadFile(cfg.StateKeyFile); err != nil {
			return err
		}
	}
	path := cfg.StateDir
	if path == "" {
		var err error
		if path, err = state.DefaultDir(); err != nil {
			return noStateDir()
		}
	}
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil // the server makes the directory
	case err != nil:
		return stateProblem(path, err)
	case !info.IsDir():
		return stateProblem(path, syscall.ENOTDIR)
	}
	return stateProblem(path, state.CheckKeys(path, keys))
}

// checkAudit opens the audit log, if there is one already, or else looks for the log's directory.
func checkAudit(cfg *Config) error {
	if cfg.AuditLogFile == "" {
		return nil
	}
	file, err := os.OpenFile(cfg.AuditLogFile, os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		return file.Close()
	}
	if errors.Is(err, fs.ErrNotExist) {
		_, err = os.Stat(filepath.Dir(cfg.AuditLogFile))
	}
	if err != nil {
		return auditProblem(cfg.AuditLogFile, err)
	}
	return nil
}

// checkAuthorities reads the CAs of registries.
func checkAuthorities(cfg *Config) error {
	if _, err := certs.Roots(cfg.Registry.CAFile); err != nil {
		return &spec.Error{Code: "bad_certificate", Message: err.Error(), Hint: "give a PEM file with --ca-file"}
	}
	return nil
}
