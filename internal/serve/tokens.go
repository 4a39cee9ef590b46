package serve

import (
	"errors"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/token"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// tokens are the tokens of the API. Any goroutine may call the methods.
type tokens struct {
	file    *token.File           // nil: no request needs a token
	problem atomic.Pointer[error] // of the last read
	log     *zap.Logger
}

// openTokens reads the file in cfg.
func openTokens(cfg *Config) (*tokens, error) {
	t := &tokens{log: cfg.Logger}
	if cfg.AdminTokenFile == "" {
		return t, nil
	}
	var err error
	if t.file, err = token.Open(cfg.AdminTokenFile); err != nil {
		return nil, err
	}
	t.warnOfMode()
	return t, nil
}

func (t *tokens) warnOfMode() {
	if t.file.IsPublic() {
		t.log.Warn("every user of this machine can read the tokens", zap.String("file", t.file.Path()), zap.String("hint", "chmod 0600, or 0640 with the server's group"))
	}
}

// reload reads the file again. After an error, the former tokens stay.
func (t *tokens) reload() (changed bool, err error) {
	changed, err = t.file.Reload()
	t.problem.Store(&err)
	return changed, err
}

// state says whether the newest tokens are used.
func (t *tokens) state() api.Tokens {
	if t.file == nil {
		return api.Tokens{}
	}
	out := api.Tokens{File: t.file.Path(), Tokens: t.file.Len()}
	if err := t.problem.Load(); err != nil && *err != nil {
		out.Error = &api.Error{Code: "bad_token_file", Message: "the new tokens cannot be used: " + (*err).Error()}
		if e := (&spec.Error{}); errors.As(*err, &e) {
			out.Error.Hint, out.Error.File, out.Error.Line, out.Error.Column = e.Hint, e.Pos.File, e.Pos.Line, e.Pos.Column
		}
	}
	return out
}

// followed is the file of the tokens; nil: there is none.
func (t *tokens) followed() []*followed {
	if t.file == nil {
		return nil
	}
	log := t.log.With(zap.String("file", t.file.Path()))
	return []*followed{{
		reload: t.reload, log: log,
		bad: "the new file of tokens cannot be used, and the last good tokens stay", again: "the file has the last good tokens again",
		changed: func() {
			log.Info("new tokens are used")
			t.warnOfMode()
		},
	}}
}

// wrongToken is a client with an unknown token, as the status shows it.
func wrongToken(from string) api.Visitor {
	return api.Visitor{
		Port: "admin", Address: from, Speaks: "wrong_token", Message: "the admin port refused a client: its token is unknown",
		Hint: "give the client a token of --admin-token-file; the client may have one that was removed",
	}
}
