package signal

import "google.golang.org/protobuf/encoding/protowire"

// failStream is how Envoy calls a request that it fails because of a trapped VM, in
// response_code_details.
const failStream = "wasm_fail_stream"

// The numbers of the fields of StreamAccessLogsMessage and of HTTPAccessLogEntry.
const (
	fieldHTTPLogs = 2
	fieldEntry    = 1
	fieldResponse = 4
	fieldDetails  = 6
)

// ReadFailures counts the requests in a message of Envoy's access log service that Envoy has failed
// because of a trapped VM. identifier is as in [Report]. All else in the message is left unread.
func ReadFailures(message []byte) (identifier []byte, failed uint64, err error) {
	ok := fields(message, func(number protowire.Number, content []byte, _ uint64) bool {
		switch number {
		case fieldIdentifier:
			identifier = content
		case fieldHTTPLogs:
			return fields(content, func(number protowire.Number, content []byte, _ uint64) bool {
				if number == fieldEntry && hasFailed(content) {
					failed++
				}
				return true
			})
		}
		return true
	})
	if !ok {
		return nil, 0, ErrMalformed
	}
	return identifier, failed, nil
}

func hasFailed(entry []byte) (failed bool) {
	fields(entry, func(number protowire.Number, content []byte, _ uint64) bool {
		if number == fieldResponse {
			fields(content, func(number protowire.Number, content []byte, _ uint64) bool {
				failed = failed || number == fieldDetails && string(content) == failStream
				return true
			})
		}
		return true
	})
	return failed
}
