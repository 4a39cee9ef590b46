// Package reason shortens errors for messages.
package reason

import (
	"errors"
	"io/fs"
	"syscall"
)

// Of returns the reason for an error of the system or of a file, without the operation, the path
// and the address before it: the message around the reason names them already. An error of another
// kind is returned whole.
func Of(err error) string {
	if number := syscall.Errno(0); errors.As(err, &number) {
		return number.Error()
	}
	if file := (*fs.PathError)(nil); errors.As(err, &file) {
		return file.Err.Error()
	}
	return err.Error()
}
