package testfilter

// Values of the Proxy-Wasm ABI 0.2.1.
const (
	logTrace = 0
	logInfo  = 2

	continueIteration = 0
	stopIteration     = 1

	mapRequestHeaders  = 0
	mapResponseHeaders = 2

	bufferDownstreamData      = 2
	bufferUpstreamData        = 3
	bufferPluginConfiguration = 7

	metricCounter = 0

	noGRPCStatus = -1
)
