package serveflags

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/cli/build"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/serve"
)

// Run serves until ctx ends, which is not an error. It sets the version and the logger, and
// calls cfg.Started after it has logged the addresses.
func Run(ctx context.Context, cfg serve.Config, log *zap.Logger) error {
	started := cfg.Started
	cfg.Version, cfg.Logger = build.Now().Version, log
	cfg.Started = func(a serve.Addresses) {
		admin := command.URLOf(a.Admin)
		if cfg.AdminTLS.CertFile != "" {
			admin = strings.Replace(admin, "http://", "https://", 1)
		}
		log.Info("serving", zap.String("directory", cfg.Dir), zap.Stringers("bundles", cfg.Bundles), zap.Stringers("etcd", cfg.EtcdBundles), zap.String("xds", a.XDS),
			zap.String("modules", a.Modules), zap.String("admin", admin))
		if started != nil {
			started(a)
		}
	}
	err := serve.Run(ctx, cfg)
	switch {
	case err == nil, ctx.Err() != nil && errors.Is(err, context.Canceled):
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return command.Failure("address_in_use", err.Error(),
			"another wasm-xds may be running (wasm-xds status); end it, or give this one other addresses")
	default:
		return fmt.Errorf("serve: %w", err)
	}
}
