package cli

import (
	"io"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// logFlags configure the log of a server.
type logFlags struct {
	level  string // debug, info, warn or error
	format string // console or json
}

func (l *logFlags) addTo(c *cobra.Command) {
	l.level, l.format = "info", "console"
	choiceFlag(c, &l.level, []string{"debug", "info", "warn", "error"}, "log-level", "what is logged: debug, info, warn or error")
	choiceFlag(c, &l.format, []string{"console", "json"}, "log-format", "console for people, json for machines")
}

// logger logs to w as the flags ask for. The logger is safe for concurrent use.
func (l logFlags) logger(w io.Writer) *zap.Logger {
	level, err := zapcore.ParseLevel(l.level)
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
