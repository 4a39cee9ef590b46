package spiffe

import (
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Kind is the kind of a problem with the agent.
type Kind string

// The kinds.
const (
	Away       Kind = "agent_away"       // nobody answers
	NoAccess   Kind = "socket_denied"    // the permissions of the socket keep this process out
	NoIdentity Kind = "no_identity"      // the agent has no certificate for this process
	BadAnswer  Kind = "agent_bad_answer" // the answer cannot be used, or is an error
)

// AgentError says why the agent gives no certificate.
type AgentError struct {
	Kind   Kind
	Socket string
	Err    error // only for a BadAnswer
}

// Error implements error. The text of an [Away] does not change while the agent is away, so the log
// has the text once.
func (p *AgentError) Error() string {
	switch p.Kind {
	case Away:
		return "no SPIFFE agent answers on " + p.Socket
	case NoAccess:
		return "this user may not connect to the SPIFFE agent on " + p.Socket
	case NoIdentity:
		return "the SPIFFE agent on " + p.Socket + " has no identity for this process"
	default:
		return "the answer of the SPIFFE agent on " + p.Socket + " cannot be used: " + p.Err.Error()
	}
}

// Hint is the next step.
func (p *AgentError) Hint() string {
	switch p.Kind {
	case Away:
		return "start the agent, or correct the path; nothing else is necessary after that"
	case NoAccess:
		return "let the server's user write to the socket, and enter its directory"
	case NoIdentity:
		return "register this process, with SPIRE by spire-server entry create"
	default:
		return "look at the log of the agent"
	}
}

// problemOf returns the problem behind the error of a watch. gRPC has no types for the errors of a
// connection.
func problemOf(err error) AgentError {
	switch s := status.Convert(err); {
	case s.Code() == codes.PermissionDenied:
		return AgentError{Kind: NoIdentity}
	case s.Code() == codes.Unavailable && strings.Contains(s.Message(), "permission denied"):
		return AgentError{Kind: NoAccess}
	case s.Code() == codes.Unavailable, s.Code() == codes.Canceled, s.Code() == codes.DeadlineExceeded:
		return AgentError{Kind: Away}
	default:
		return AgentError{Kind: BadAnswer, Err: err}
	}
}
