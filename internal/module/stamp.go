package module

import (
	"io/fs"
	"time"
)

// fileMode lets an Envoy of another user read modules (delivery: file). Nobody may write, because
// the name is the hash of the content.
const fileMode = 0o444

// stamp changes whenever a file's content changes.
type stamp struct {
	size  int64
	mtime time.Time
}

func stampOf(info fs.FileInfo) stamp {
	return stamp{size: info.Size(), mtime: info.ModTime()}
}
