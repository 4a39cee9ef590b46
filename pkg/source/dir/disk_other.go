//go:build !linux

package dir

import "io/fs"

const openFlags = 0

// system knows nothing here: files are told apart by size and time.
func system(fs.FileInfo) (id identity, changed int64) { return identity{}, 0 }
