package cli

import (
	"io"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newLogger logs to w as the flags ask for.
func (cfg *ServeConfig) newLogger(w io.Writer) *zap.Logger {
	level, err := zapcore.ParseLevel(cfg.LogLevel)
	if err != nil {
		level = zapcore.InfoLevel // the flag is valid; a config made in code may have no level
	}
	out := zapcore.Lock(zapcore.AddSync(w))
	if cfg.LogFormat == "json" {
		c := zap.NewProductionEncoderConfig()
		c.TimeKey, c.EncodeTime = "time", zapcore.RFC3339NanoTimeEncoder
		return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(c), out, level))
	}
	c := zap.NewDevelopmentEncoderConfig()
	c.EncodeTime = zapcore.TimeEncoderOfLayout(time.TimeOnly + ".000")
	c.CallerKey, c.StacktraceKey = zapcore.OmitKey, zapcore.OmitKey
	c.EncodeLevel = zapcore.CapitalLevelEncoder
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(c), out, level))
}
