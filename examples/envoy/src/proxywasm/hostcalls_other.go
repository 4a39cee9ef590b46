//go:build !wasip1

package proxywasm

// Without a host, each host function returns ErrUnimplemented. So filters and their tests compile
// on every platform.

const noHost = uint32(ErrUnimplemented)

func proxyLog(uint32, string) uint32                                       { return noHost }
func proxyGetLogLevel(*uint32) uint32                                      { return noHost }
func proxyGetProperty(string, *uint32, *uint32) uint32                     { return noHost }
func proxySetProperty(string, string) uint32                               { return noHost }
func proxyGetBufferBytes(uint32, uint32, uint32, *uint32, *uint32) uint32  { return noHost }
func proxyGetBufferStatus(uint32, *uint32, *uint32) uint32                 { return noHost }
func proxySetBufferBytes(uint32, uint32, uint32, string) uint32            { return noHost }
func proxyGetHeaderMapPairs(uint32, *uint32, *uint32) uint32               { return noHost }
func proxySetHeaderMapPairs(uint32, string) uint32                         { return noHost }
func proxyGetHeaderMapSize(uint32, *uint32) uint32                         { return noHost }
func proxyGetHeaderMapValue(uint32, string, *uint32, *uint32) uint32       { return noHost }
func proxyAddHeaderMapValue(uint32, string, string) uint32                 { return noHost }
func proxyReplaceHeaderMapValue(uint32, string, string) uint32             { return noHost }
func proxyRemoveHeaderMapValue(uint32, string) uint32                      { return noHost }
func proxySendLocalResponse(uint32, string, string, string, int32) uint32  { return noHost }
func proxyContinueStream(uint32) uint32                                    { return noHost }
func proxyCloseStream(uint32) uint32                                       { return noHost }
func proxyHttpCall(string, string, string, string, uint32, *uint32) uint32 { return noHost }
func proxySetTickPeriodMilliseconds(uint32) uint32                         { return noHost }
func proxyGetSharedData(string, *uint32, *uint32, *uint32) uint32          { return noHost }
func proxySetSharedData(string, string, uint32) uint32                     { return noHost }
func proxyRegisterSharedQueue(string, *uint32) uint32                      { return noHost }
func proxyResolveSharedQueue(string, string, *uint32) uint32               { return noHost }
func proxyEnqueueSharedQueue(uint32, string) uint32                        { return noHost }
func proxyDequeueSharedQueue(uint32, *uint32, *uint32) uint32              { return noHost }
func proxyDefineMetric(uint32, string, *uint32) uint32                     { return noHost }
func proxyIncrementMetric(uint32, int64) uint32                            { return noHost }
func proxyRecordMetric(uint32, uint64) uint32                              { return noHost }
func proxyGetMetric(uint32, *uint64) uint32                                { return noHost }
func proxySetEffectiveContext(uint32) uint32                               { return noHost }
func proxyDone() uint32                                                    { return noHost }
func proxyCallForeignFunction(string, string, *uint32, *uint32) uint32     { return noHost }
