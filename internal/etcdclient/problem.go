package etcdclient

import (
	"context"
	"errors"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The codes of errors of etcd.
const (
	CodeUnreachable = "etcd_unreachable" // no member answers, or the members have no leader
	CodeDenied      = "etcd_denied"      // etcd refuses the user, the certificate or the key
	CodeFull        = "etcd_full"        // etcd has no room left and takes no writes
	CodeFailed      = "etcd_failed"      // anything else
)

// mostWords bounds the words of a foreign error in a message, in bytes.
const mostWords = 300

// Problem explains an error of a client, and says what to do next. nil stays nil.
func (a *Access) Problem(err error) *spec.Error {
	if err == nil {
		return nil
	}
	if known := (*spec.Error)(nil); errors.As(err, &known) {
		return known
	}
	words := reasonOf(err)
	if cause := a.failure.err(); cause != nil && unreachable(err) {
		words = reasonOf(cause)
	}
	problem := func(code, message, hint string) *spec.Error {
		return &spec.Error{Code: code, Message: message, Hint: hint}
	}
	switch {
	case is(err, rpctypes.ErrPermissionDenied):
		return problem(CodeDenied, "etcd denies access to the keys under "+a.Prefix(),
			"give the user a role that may read and write there: etcdctl role grant-permission ROLE readwrite --prefix=true "+a.Prefix()+"/")
	case is(err, rpctypes.ErrAuthFailed), is(err, rpctypes.ErrUserEmpty), is(err, rpctypes.ErrInvalidAuthToken), is(err, rpctypes.ErrUserNotFound):
		return problem(CodeDenied, "etcd refuses the user: "+words, "look at --etcd-user and --etcd-password-file, or at the common name in --etcd-cert-file")
	case is(err, rpctypes.ErrNoSpace):
		return problem(CodeFull, "etcd has no room left: "+words, "compact and defragment etcd, then: etcdctl alarm disarm")
	case strings.Contains(words, "tls: ") || strings.Contains(words, "x509: "):
		return problem(CodeUnreachable, "the TLS connection to etcd ("+a.Endpoints()+") fails: "+words,
			"look at --etcd-ca-file, --etcd-cert-file and the names in the member's certificate")
	case unreachable(err):
		return problem(CodeUnreachable, "etcd does not answer ("+a.Endpoints()+"): "+words,
			"look whether its members run and reach each other: etcdctl --endpoints="+a.Endpoints()+" endpoint health")
	}
	return problem(CodeFailed, "etcd reports an error: "+words, "look at etcd's log")
}

// is says whether an error is one of etcd's.
func is(err, known error) bool {
	return errors.Is(err, known) || rpctypes.ErrorDesc(err) == rpctypes.ErrorDesc(known)
}

func unreachable(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	var worded rpctypes.EtcdError
	code := status.Code(err)
	if errors.As(err, &worded) {
		code = worded.Code()
	}
	return code == codes.Unavailable || code == codes.DeadlineExceeded || code == codes.Canceled
}

// reasonOf returns the words of an error, without gRPC's frame.
func reasonOf(err error) string {
	words := err.Error()
	if s, ok := status.FromError(err); ok && s.Message() != "" {
		words = s.Message()
	}
	if _, after, found := strings.Cut(words, `desc = "`); found {
		words = strings.TrimSuffix(after, `"`)
	}
	words = strings.TrimPrefix(words, "etcdserver: ")
	if len(words) > mostWords {
		words = words[:mostWords] + "…"
	}
	return strings.ToValidUTF8(words, "\uFFFD")
}
