package proxywasm

import "time"

// SetTickPeriod makes Envoy call [Plugin.OnTick] regularly, with this period in whole milliseconds.
// 0 ends the calls. Only callbacks of the plugin may call SetTickPeriod: a stream has no ticks.
func SetTickPeriod(period time.Duration) error {
	return asError(proxySetTickPeriodMilliseconds(milliseconds(period)))
}
