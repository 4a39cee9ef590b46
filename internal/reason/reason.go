// Package reason shortens errors for messages.
package reason

import (
	"errors"
	"syscall"
)

// Of returns the system's reason for an error, without the operation, the path and the address
// before it: the message around the reason names them already. An error of another kind is
// returned whole.
func Of(err error) string {
	if number := syscall.Errno(0); errors.As(err, &number) {
		return number.Error()
	}
	return err.Error()
}
