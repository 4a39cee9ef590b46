package serve

import (
	"fmt"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// expiries publishes that certificates end soon, or have ended, once for each certificate.
type expiries struct {
	certificates func() []api.Certificate
	publish      func(api.Event)
	told         map[string]toldExpiry // by ports
}

// toldExpiry is the last event about the ports.
type toldExpiry struct {
	end  time.Time // of the certificate
	kind api.EventType
}

// expiry looks at the certificates as often as at files.
func (c *certificates) expiry(publish func(api.Event)) []*followed {
	if len(c.encrypted()) == 0 {
		return nil
	}
	e := &expiries{certificates: c.Certificates, publish: publish, told: map[string]toldExpiry{}}
	return []*followed{{log: c.log, reload: func() (bool, error) {
		e.look(time.Now())
		return false, nil
	}}}
}

// look publishes the news.
func (e *expiries) look(now time.Time) {
	for _, one := range e.certificates() {
		name := strings.Join(one.Ports, ",")
		kind := expiryOf(one, now)
		if told := (toldExpiry{one.NotAfter, kind}); kind == "" || e.told[name] == told {
			continue
		} else {
			e.told[name] = told
		}
		e.publish(expiryEvent(one, name, kind, now))
	}
}

// expiryOf is the event that a certificate deserves; "": none.
func expiryOf(c api.Certificate, now time.Time) api.EventType {
	switch {
	case c.NotAfter.IsZero():
		return ""
	case !now.Before(c.NotAfter):
		return api.EventCertificateExpired
	case c.EndsSoon(now):
		return api.EventCertificateExpiring
	default:
		return ""
	}
}

func expiryEvent(c api.Certificate, name string, kind api.EventType, now time.Time) api.Event {
	from := c.File
	if from == "" {
		from = "the SPIFFE agent"
	}
	verb := "ends in " + c.NotAfter.Sub(now).Round(time.Minute).String()
	if kind == api.EventCertificateExpired {
		verb = "has ended, and clients refuse it"
	}
	return api.Event{
		Type: kind, Name: name, Until: c.NotAfter, Problem: c.Error, Time: now,
		Message: fmt.Sprintf("the certificate of %s, from %s, %s", name, from, verb),
	}
}
