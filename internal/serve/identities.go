package serve

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/identity"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/internal/xds"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// identities bind Envoys to their certificates. Any goroutine may call the methods.
type identities struct {
	isOn    bool
	path    string // of the rules; "": none
	current atomic.Pointer[rulesFile]
	problem atomic.Pointer[error] // of the last read
	log     *zap.Logger
}

// rulesFile is the content of a file of rules, and never changes.
type rulesFile struct {
	rules *identity.Rules
	sum   [sha256.Size]byte
}

// openIdentities reads the rules in cfg.
func openIdentities(cfg *Config) (*identities, error) {
	i := &identities{isOn: cfg.NodeIdentity == NodeIdentitySAN, path: cfg.NodeIdentityRules, log: cfg.Logger}
	problem := func(message, hint string) error {
		return &spec.Error{Code: "bad_node_identity", Message: message, Hint: hint}
	}
	switch {
	case i.isOn && cfg.TLS.ClientCAFile == "" && cfg.SPIFFE.Socket == "":
		return nil, problem("--node-identity san needs certificates of clients, and the xDS port asks for none",
			"give the CAs of Envoys with --client-ca-file, beside --tls-cert-file and --tls-key-file, or an agent with --spiffe-socket")
	case !i.isOn && i.path != "":
		return nil, problem("--node-identity-rules "+i.path+" has no effect without --node-identity san", "add --node-identity san")
	}
	i.current.Store(&rulesFile{})
	if i.path == "" {
		return i, nil
	}
	_, err := i.reload()
	return i, err
}

// decide compares a claim with a certificate.
func (i *identities) decide(c identity.Certificate, node, cluster string) (*identity.Grant, *identity.Refusal) {
	return i.current.Load().rules.Decide(c, node, cluster)
}

// reload reads the rules again. After an error, the former rules stay.
func (i *identities) reload() (changed bool, err error) {
	read, err := readRules(i.path)
	i.problem.Store(&err)
	if err != nil || bytes.Equal(read.sum[:], i.current.Load().sum[:]) {
		return false, err
	}
	i.current.Store(read)
	return true, nil
}

// rulesHint is the next step after a bad file of rules.
const rulesHint = "correct the file of --node-identity-rules, or put the last good one back; docs/security.md has its format"

// followed is the file of the rules; nil: there is none. changed is called after each change.
func (i *identities) followed(changed func()) []*followed {
	if i.path == "" {
		return nil
	}
	log := i.log.With(zap.String("file", i.path))
	return []*followed{{
		reload: i.reload, log: log, hint: []zap.Field{zap.String("hint", rulesHint)},
		bad: "the new rules of --node-identity-rules cannot be used, and the last good ones stay", again: "the file has the last good rules again",
		changed: func() {
			log.Info("new rules of --node-identity-rules are used", zap.Int("rules", i.current.Load().rules.Len()))
			changed()
		},
	}}
}

// state is how Envoys are bound, without the refusals.
func (i *identities) state() api.Identity {
	out := api.Identity{Mode: string(NodeIdentityNone), File: i.path, Rules: i.current.Load().rules.Len()}
	if i.isOn {
		out.Mode = string(NodeIdentitySAN)
	}
	if err := i.problem.Load(); err != nil && *err != nil {
		out.Error = &api.Error{Code: "bad_node_identity", Message: "the new rules cannot be used: " + (*err).Error(), Hint: rulesHint}
		if e := (&spec.Error{}); errors.As(*err, &e) {
			out.Error.File, out.Error.Line, out.Error.Column = e.Pos.File, e.Pos.Line, e.Pos.Column
		}
	}
	return out
}

// maxRules is the size limit of a file of rules.
const maxRules = 1 << 20

func readRules(path string) (*rulesFile, error) {
	text, err := regular.Read(path, maxRules)
	if err != nil {
		e := &spec.Error{
			Code: "bad_node_identity", Message: "the rules cannot be read: " + reason.Of(err), Hint: "name a file of rules with --node-identity-rules",
			Pos: spec.Position{File: path},
		}
		if errors.Is(err, fs.ErrPermission) {
			e.Hint = "let this process's user read the file"
		}
		return nil, e
	}
	rules, err := identity.Parse(path, text)
	if err != nil {
		return nil, err
	}
	return &rulesFile{rules, sha256.Sum256(text)}, nil
}

// refusalIn turns a refused claim into the form in the status.
func refusalIn(r xds.RefusedClaim) api.ClaimRefusal {
	return api.ClaimRefusal{
		Certificate: r.Certificate.String(), Claim: string(r.Claim), Text: identity.Brief(r.Text), Address: r.Address, Message: r.Message, Hint: r.Hint,
	}
}
