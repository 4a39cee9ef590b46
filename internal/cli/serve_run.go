package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/serve"
)

// runServe serves until ctx ends, which is not an error.
func runServe(ctx context.Context, cfg ServeConfig, _, stderr io.Writer) error {
	hostEnv, err := cfg.HostEnv.values()
	if err != nil {
		return err
	}
	log := cfg.newLogger(stderr)
	err = serve.Run(ctx, serve.Config{
		Dir:               cfg.Dir,
		Bundles:           cfg.Bundles,
		Refresh:           cfg.Refresh,
		Registry:          cfg.Registries.config(),
		XDSAddress:        cfg.XDSAddress,
		ModulesAddress:    cfg.ModulesAddress,
		AdminAddress:      cfg.AdminAddress,
		ModulesCluster:    cfg.ModulesCluster,
		ModulesURL:        cfg.ModulesURL,
		ModulesDirInEnvoy: cfg.ModulesDirInEnvoy,
		StateDir:          cfg.StateDir,
		Settle:            cfg.Settle,
		Rescan:            cfg.Rescan,
		Delivery:          cfg.Delivery,
		AllowEmpty:        cfg.AllowEmpty,
		ForgetRemoved:     cfg.ForgetRemoved,
		Limits:            cfg.Limits,
		BuildMemory:       int64(cfg.BuildMemory),
		Guard:             cfg.Trust.guard(),
		Preflight:         cfg.Preflight,
		HostEnv:           hostEnv,
		Keys:              cfg.Trust.keys,
		Version:           versionNow().Version,
		Logger:            log,
		Started: func(a serve.Addresses) {
			log.Info("serving", zap.String("directory", cfg.Dir), zap.Stringers("bundles", cfg.Bundles), zap.String("xds", a.XDS),
				zap.String("modules", a.Modules), zap.String("admin", "http://"+a.Admin))
			if cfg.Started != nil {
				cfg.Started(a)
			}
		},
	})
	switch {
	case err == nil, ctx.Err() != nil && errors.Is(err, context.Canceled):
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return failure("address_in_use", err.Error(),
			"another wasm-xds may be running (wasm-xds status); end it, or give this one other addresses")
	default:
		return fmt.Errorf("serve: %w", err)
	}
}
