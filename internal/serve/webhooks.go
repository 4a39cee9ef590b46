package serve

import (
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/metrics"
	"github.com/wasm-xds/wasm-xds/internal/webhook"
)

// webhooks are the receivers of notable events.
type webhooks struct {
	*webhook.Webhooks
	version string
	log     *zap.Logger
}

// openWebhooks reads the files in cfg.
func openWebhooks(cfg *Config) (*webhooks, error) {
	all, err := webhook.Open(cfg.Webhooks)
	if err != nil {
		return nil, err
	}
	return &webhooks{all, cfg.Version, cfg.Logger}, nil
}

// start takes the messages that an earlier server has left in files.
func (w *webhooks) start(files webhook.Files, recorder *metrics.Recorder) {
	w.Start(api.WebhookServer{Host: hostname(), Version: w.version}, files, recorder, w.log)
	w.warn()
}

// warn logs the weaknesses of the secrets.
func (w *webhooks) warn() {
	switch secrets := w.Secrets(); {
	case len(w.State()) == 0:
	case secrets == nil:
		w.log.Warn("messages to webhooks have no signature", zap.String("hint", "name a file of secrets with --webhook-secret-file"))
	case secrets.IsPublic():
		w.log.Warn("every user of this machine can read the secrets of the webhooks", zap.String("file", secrets.Path()),
			zap.String("hint", "chmod 0600, or 0640 with the server's group"))
	}
}

// followed is the file of the secrets; nil: there is none.
func (w *webhooks) followed() []*followed {
	secrets := w.Secrets()
	if secrets == nil {
		return nil
	}
	log := w.log.With(zap.String("file", secrets.Path()))
	return []*followed{{
		reload: secrets.Reload, log: log,
		bad:   "the new file of webhook secrets cannot be used, and the last good secrets stay",
		again: "the file has the last good webhook secrets again",
		changed: func() {
			log.Info("new secrets sign the messages to webhooks")
			w.warn()
		},
	}}
}
