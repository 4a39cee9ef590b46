package proxywasm

// LogLevel is the importance of a line in Envoy's log. Envoy's logger for filters is "wasm".
type LogLevel uint32

// The log levels of the ABI.
const (
	LevelTrace    LogLevel = 0
	LevelDebug    LogLevel = 1
	LevelInfo     LogLevel = 2
	LevelWarn     LogLevel = 3
	LevelError    LogLevel = 4
	LevelCritical LogLevel = 5
)

// Log writes a line to Envoy's log. Envoy drops the line if the logger's level is higher.
func Log(level LogLevel, line string) { _ = proxyLog(uint32(level), line) }

// Trace logs a line at the level trace.
func Trace(line string) { Log(LevelTrace, line) }

// Debug logs a line at the level debug.
func Debug(line string) { Log(LevelDebug, line) }

// Info logs a line at the level info.
func Info(line string) { Log(LevelInfo, line) }

// Warn logs a line at the level warn.
func Warn(line string) { Log(LevelWarn, line) }

// Error logs a line at the level error.
func Error(line string) { Log(LevelError, line) }

// Critical logs a line at the level critical.
func Critical(line string) { Log(LevelCritical, line) }

// EnabledLevel returns the lowest level that Envoy logs. With this level, a filter can save the
// work for lines that Envoy would drop.
func EnabledLevel() (LogLevel, error) {
	var level uint32
	err := asError(proxyGetLogLevel(&level))
	return LogLevel(level), err
}
