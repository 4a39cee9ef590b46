package serveflags

import (
	"io"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
)

// Log configures the log of a server.
type Log struct {
	Level  string // debug, info, warn or error
	format string // console or json
}

func (l *Log) addTo(c *cobra.Command) {
	l.Level, l.format = "info", "console"
	command.ChoiceFlag(c, &l.Level, []string{"debug", "info", "warn", "error"}, "log-level", "what is logged: debug, info, warn or error")
	command.ChoiceFlag(c, &l.format, []string{"console", "json"}, "log-format", "console for people, json for machines")
}

// Logger logs to w as the flags ask for. The logger is safe for concurrent use.
func (l Log) Logger(w io.Writer) *zap.Logger {
	level, err := zapcore.ParseLevel(l.Level)
	if err != nil {
		level = zapcore.InfoLevel // the flag takes no other words; without a flag, the level is ""
	}
	out := zapcore.Lock(zapcore.AddSync(w))
	if l.format == "json" {
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
