package serve

import (
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// certificates are the certificates of the ports, and the CAs of their clients.
type certificates struct {
	envoys port // of xDS and the modules
	admin  port // of the API
	log    *zap.Logger
}

// openCertificates opens the sources in cfg. The caller must close them.
func openCertificates(cfg *Config) (c *certificates, err error) {
	c = &certificates{log: cfg.Logger}
	if cfg.SPIFFE.Socket != "" || len(cfg.SPIFFE.TrustDomains) > 0 {
		c.envoys, err = openAgent(cfg.SPIFFE, "xds", "modules")
	} else {
		c.envoys, err = openFilesOf(cfg.TLS, envoysHint, fileAdvice(), "xds", "modules")
	}
	if err != nil {
		return nil, err
	}
	if c.admin, err = openFilesOf(cfg.AdminTLS, adminHint, adminAdvice(), "admin"); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *certificates) close() error {
	var errs []error
	for _, p := range c.encrypted() {
		errs = append(errs, p.source.close())
	}
	return errors.Join(errs...)
}

// encrypted are the ports with TLS.
func (c *certificates) encrypted() []port {
	var all []port
	for _, p := range []port{c.envoys, c.admin} {
		if p.Server != nil {
			all = append(all, p)
		}
	}
	return all
}

// advice is the advice of the port with this name.
func (c *certificates) advice(name string) advice {
	if slices.Contains(c.admin.ports, name) {
		return c.admin.advice
	}
	return c.envoys.advice
}

// Ready says why Envoys cannot connect yet; nil: they can.
func (c *certificates) Ready() error {
	select {
	case <-c.envoys.ready():
		return nil
	default:
	}
	if err := c.envoys.source.Problem(); err != nil {
		return err
	}
	return errors.New("the certificate of the xDS port has not come yet")
}

// followed are the certificates of the ports with TLS. After a change, the connections of clients
// without trust end, and report gets these clients.
func (c *certificates) followed(report func(api.Visitor)) []*followed {
	var all []*followed
	for _, p := range c.encrypted() {
		log, words := c.log.With(zap.Strings("ports", p.ports)), p.source.words()
		all = append(all, &followed{
			reload: p.reload, log: log, again: words.again,
			say: func(err error) (message, hint string) {
				if errors.Is(err, errExpired) && p.source.Problem() == nil {
					return "a certificate has expired", "replace the certificate"
				}
				return words.bad(err)
			},
			changed: func() {
				var one api.Certificate
				p.source.describe(&one)
				fields := []zap.Field{zap.String("notAfter", p.source.Material().NotAfter.UTC().Format(time.RFC3339))}
				if one.SPIFFEID != "" {
					fields = append(fields, zap.String("spiffeId", one.SPIFFEID))
				}
				closed := p.CloseUntrusted()
				log.Info(words.used, append(fields, zap.Int("closed", len(closed)))...)
				for _, one := range closed {
					report(closedOf(one.Port, p.advice, one.Address))
				}
			},
		})
	}
	return all
}

// Certificates returns the certificates in use. The method implements [admin.State].
func (c *certificates) Certificates() []api.Certificate {
	var all []api.Certificate
	for _, p := range c.encrypted() {
		one := api.Certificate{Ports: p.ports}
		if m := p.source.Material(); m != nil {
			one.NotBefore, one.NotAfter = m.NotBefore.UTC(), m.NotAfter.UTC()
		}
		p.source.describe(&one)
		if err := p.source.Problem(); err != nil {
			words := p.source.words()
			message, hint := words.bad(err)
			one.Error = &api.Error{Code: words.code, Message: message + ": " + err.Error(), Hint: hint}
		}
		all = append(all, one)
	}
	return all
}
