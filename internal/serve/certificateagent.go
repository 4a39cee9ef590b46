package serve

import (
	"errors"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/spiffe"
	"github.com/wasm-xds/wasm-xds/internal/tlsserver"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// agentSource has the certificate of a SPIFFE agent.
type agentSource struct{ *spiffe.Source }

// openAgent connects to the agent with the certificate for ports. The agent may come later.
func openAgent(c spiffe.Config, ports ...string) (port, error) {
	p := port{ports: ports, advice: agentAdvice()}
	if c.Socket == "" {
		return p, &spec.Error{
			Code: "bad_certificate", Message: "--spiffe-trust-domain is given without --spiffe-socket: files of certificates have no trust domains",
			Hint: "give --spiffe-socket, or take --spiffe-trust-domain away",
		}
	}
	source, err := spiffe.Open(c)
	if err != nil {
		return p, &spec.Error{
			Code: "bad_certificate", Message: "--spiffe-socket " + c.Socket + " cannot be used: " + err.Error(),
			Hint: "give the socket of the SPIFFE Workload API, with SPIRE the socket_path of the agent",
		}
	}
	p.source = agentSource{source}
	p.Server = tlsserver.New(p.source)
	return p, nil
}

func (a agentSource) ready() <-chan struct{} { return a.Ready() }

func (a agentSource) words() words {
	return words{
		used: "a new SPIFFE identity is used", again: "the SPIFFE agent answers again", code: "no_identity",
		bad: func(err error) (message, hint string) {
			switch m := a.Material(); {
			case m == nil:
				message = "Envoys cannot connect until the SPIFFE agent gives this server an identity"
			case time.Now().Before(m.NotAfter):
				message = "no new SPIFFE identity comes, and the last one stays until it expires"
			default:
				message = "no new SPIFFE identity comes, and the last one has expired"
			}
			if p := (*spiffe.AgentError)(nil); errors.As(err, &p) {
				hint = p.Hint()
			}
			return message, hint
		},
	}
}

func (a agentSource) describe(c *api.Certificate) {
	c.Socket, c.SPIFFEID = a.Config().Socket, a.ID()
}

func (a agentSource) close() error { return a.Source.Close() }
