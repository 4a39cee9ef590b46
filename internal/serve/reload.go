package serve

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// reloadEvery is the time between two looks at followed files. Comparing a few small files costs
// less than following links and directories with events.
const reloadEvery = time.Second

// followed is a set of files. The server uses the newest good content.
type followed struct {
	reload  func() (changed bool, err error) // keeps the last good content
	changed func()                           // after each change
	// bad and again are the words of the log for a bad content, and for the end of the problem.
	bad, again string
	hint       []zap.Field // of bad
	// say returns the words of the log for an error, instead of bad and hint. nil means bad and
	// hint.
	say     func(err error) (message, hint string)
	log     *zap.Logger
	problem string // of the last reload; "": none
}

// look reads the files again. The log has each problem once.
func (f *followed) look() {
	isNew, err := f.reload()
	if isNew {
		f.changed()
	}
	switch {
	case err != nil && err.Error() != f.problem:
		f.complain(err)
	case err == nil && f.problem != "" && !isNew:
		f.log.Info(f.again)
	}
	f.problem = ""
	if err != nil {
		f.problem = err.Error()
	}
}

func (f *followed) complain(err error) {
	message, hint := f.bad, f.hint
	if f.say != nil {
		what, next := f.say(err)
		message, hint = what, []zap.Field{zap.String("hint", next)}
	}
	f.log.Error(message, append([]zap.Field{zap.Error(err)}, hint...)...)
}

// follow looks at the files until ctx ends, and at once for each channel in now, which it then
// closes.
func follow(ctx context.Context, now <-chan chan<- struct{}, all ...*followed) {
	ticker := time.NewTicker(reloadEvery)
	defer ticker.Stop()
	for {
		var looked chan<- struct{}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case looked = <-now:
		}
		for _, f := range all {
			f.look()
		}
		if looked != nil {
			close(looked)
		}
	}
}
