package preflight

const (
	defaultMemoryPages = 4096
	defaultHostCalls   = 10_000_000
	defaultKeptLogs    = 200
	maximumLogLine     = 4 << 10
	maximumKeptByHost  = 64 << 20
)
