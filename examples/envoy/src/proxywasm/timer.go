package proxywasm

import "time"

// SetTickPeriod makes Envoy call [Plugin.OnTick] again and again, with this time in between, in whole
// milliseconds. 0 ends it. It belongs in a callback of the plugin: a stream has no ticks.
func SetTickPeriod(period time.Duration) error {
	return asError(proxySetTickPeriodMilliseconds(milliseconds(period)))
}
