package serve

import (
	"os"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// auditLog logs the changes by clients of the API.
type auditLog struct {
	*zap.Logger
	file *os.File // nil: none
}

// openAudit opens the file in cfg. Only the server's user can read a new file. Each line is written
// at the end of the file, and with a single write, so a rotation can copy and truncate the
// file.
func openAudit(cfg *Config) (*auditLog, error) {
	a := &auditLog{Logger: cfg.Logger.Named("audit")}
	if cfg.AuditLogFile == "" {
		return a, nil
	}
	var err error
	if a.file, err = os.OpenFile(cfg.AuditLogFile, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600); err != nil {
		return nil, auditProblem(cfg.AuditLogFile, err)
	}
	c := zap.NewProductionEncoderConfig()
	c.TimeKey, c.EncodeTime = "time", zapcore.RFC3339NanoTimeEncoder
	file := zapcore.NewCore(zapcore.NewJSONEncoder(c), zapcore.Lock(a.file), zapcore.InfoLevel)
	a.Logger = a.WithOptions(zap.WrapCore(func(log zapcore.Core) zapcore.Core { return zapcore.NewTee(log, file) }))
	return a, nil
}

func auditProblem(path string, err error) error {
	return &spec.Error{
		Code: "cannot_write", Message: "the audit log " + path + " cannot be opened: " + reason.Of(err),
		Hint: "name a file that the server's user can write, with --audit-log-file",
	}
}

// close closes the file.
func (a *auditLog) close() error {
	if a.file == nil {
		return nil
	}
	return a.file.Close()
}
