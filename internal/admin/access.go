package admin

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/token"
)

// Tokens finds the client of a token. Any goroutine may call Tokens.
type Tokens interface {
	Find(text string) (token.Client, bool)
}

// access lets requests with a good token in. Without tokens, access lets everything in.
type access struct {
	tokens  Tokens // nil: none are asked for
	refused func(from string)
	audit   audit
}

// to guards a handler. The handler finds the caller with [callerOf].
func (a access) to(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := callerWithoutToken(r)
		if a.tokens != nil {
			text, client, e := a.check(r)
			if e != nil {
				w.Header().Set("WWW-Authenticate", `Bearer realm="wasm-xds"`)
				writeError(w, e)
				return
			}
			c = caller{who: client.Name, by: "token", role: client.Role, known: func() bool {
				now, ok := a.tokens.Find(text)
				return ok && now == client
			}}
		}
		r = c.into(r)
		if c.role != token.Operate && changesSomething(r) {
			e := &api.Error{
				Code: api.CodeForbidden, Message: fmt.Sprintf("the token %q may only read", c.who),
				Hint: "use a token whose line in the server's --admin-token-file begins with operate",
			}
			if name, action := changeAt(strings.TrimPrefix(r.URL.Path, filtersRoot)); action != "" {
				a.audit.note(r, action, name, "", e)
			} else if action := serverAction(r); action != "" {
				a.audit.note(r, action, "", "", e)
			}
			writeError(w, e)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// changesSomething reports whether a request needs the role operate. A sync only has the server
// read now what it reads later anyway.
func changesSomething(r *http.Request) bool { return !isRead(r) && r.URL.Path != syncPath }

// check returns a request's token and its client.
func (a access) check(r *http.Request) (text string, client token.Client, e *api.Error) {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", client, &api.Error{
			Code: api.CodeUnauthorized, Message: "this server wants a token",
			Hint: "give the command line --admin-token-file, or send the header Authorization: Bearer TOKEN",
		}
	}
	text = strings.TrimSpace(text)
	client, ok := a.tokens.Find(text)
	if !ok {
		a.refused(from(r))
		return "", client, &api.Error{
			Code: api.CodeUnauthorized, Message: "this server does not know the token",
			Hint: "use a token of the server's --admin-token-file",
		}
	}
	return text, client, nil
}
