//go:build wasip1

package proxywasm

// The host functions of the ABI. A string is passed as its address and its length. A result is an
// address, into which the host writes.

//go:wasmimport env proxy_log
func proxyLog(level uint32, text string) uint32

//go:wasmimport env proxy_get_log_level
func proxyGetLogLevel(level *uint32) uint32

//go:wasmimport env proxy_get_property
func proxyGetProperty(path string, value, size *uint32) uint32

//go:wasmimport env proxy_set_property
func proxySetProperty(path string, value string) uint32

//go:wasmimport env proxy_get_buffer_bytes
func proxyGetBufferBytes(buffer, start, most uint32, value, size *uint32) uint32

//go:wasmimport env proxy_get_buffer_status
func proxyGetBufferStatus(buffer uint32, size, flags *uint32) uint32

//go:wasmimport env proxy_set_buffer_bytes
func proxySetBufferBytes(buffer, start, size uint32, value string) uint32

//go:wasmimport env proxy_get_header_map_pairs
func proxyGetHeaderMapPairs(headers uint32, value, size *uint32) uint32

//go:wasmimport env proxy_set_header_map_pairs
func proxySetHeaderMapPairs(headers uint32, pairs string) uint32

//go:wasmimport env proxy_get_header_map_size
func proxyGetHeaderMapSize(headers uint32, size *uint32) uint32

//go:wasmimport env proxy_get_header_map_value
func proxyGetHeaderMapValue(headers uint32, name string, value, size *uint32) uint32

//go:wasmimport env proxy_add_header_map_value
func proxyAddHeaderMapValue(headers uint32, name, value string) uint32

//go:wasmimport env proxy_replace_header_map_value
func proxyReplaceHeaderMapValue(headers uint32, name, value string) uint32

//go:wasmimport env proxy_remove_header_map_value
func proxyRemoveHeaderMapValue(headers uint32, name string) uint32

//go:wasmimport env proxy_send_local_response
func proxySendLocalResponse(status uint32, details, body, headers string, grpcStatus int32) uint32

//go:wasmimport env proxy_continue_stream
func proxyContinueStream(stream uint32) uint32

//go:wasmimport env proxy_close_stream
func proxyCloseStream(stream uint32) uint32

//go:wasmimport env proxy_http_call
func proxyHttpCall(cluster, headers, body, trailers string, milliseconds uint32, token *uint32) uint32

//go:wasmimport env proxy_set_tick_period_milliseconds
func proxySetTickPeriodMilliseconds(milliseconds uint32) uint32

//go:wasmimport env proxy_get_shared_data
func proxyGetSharedData(key string, value, size, cas *uint32) uint32

//go:wasmimport env proxy_set_shared_data
func proxySetSharedData(key, value string, cas uint32) uint32

//go:wasmimport env proxy_register_shared_queue
func proxyRegisterSharedQueue(name string, queue *uint32) uint32

//go:wasmimport env proxy_resolve_shared_queue
func proxyResolveSharedQueue(vmID, name string, queue *uint32) uint32

//go:wasmimport env proxy_enqueue_shared_queue
func proxyEnqueueSharedQueue(queue uint32, message string) uint32

//go:wasmimport env proxy_dequeue_shared_queue
func proxyDequeueSharedQueue(queue uint32, value, size *uint32) uint32

//go:wasmimport env proxy_define_metric
func proxyDefineMetric(kind uint32, name string, metric *uint32) uint32

//go:wasmimport env proxy_increment_metric
func proxyIncrementMetric(metric uint32, offset int64) uint32

//go:wasmimport env proxy_record_metric
func proxyRecordMetric(metric uint32, value uint64) uint32

//go:wasmimport env proxy_get_metric
func proxyGetMetric(metric uint32, value *uint64) uint32

//go:wasmimport env proxy_set_effective_context
func proxySetEffectiveContext(context uint32) uint32

//go:wasmimport env proxy_done
func proxyDone() uint32

//go:wasmimport env proxy_call_foreign_function
func proxyCallForeignFunction(name, argument string, value, size *uint32) uint32
