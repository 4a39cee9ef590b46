package moduleserver

import "errors"

var errBroken = errors.New("the connection broke")
