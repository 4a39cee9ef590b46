package api

import "context"

// userKey is the key of the user in a context.
type userKey struct{}

// WithUser returns a context with the name of the asking user: the name of the token, or the
// place of the request.
func WithUser(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, userKey{}, name)
}

// UserOf is the name of the asking user; "": not known.
func UserOf(ctx context.Context) string {
	name, _ := ctx.Value(userKey{}).(string)
	return name
}
