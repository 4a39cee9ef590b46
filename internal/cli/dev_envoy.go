package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/getenvoy"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

// envoyGrace is how long Envoy may take to end.
const envoyGrace = 5 * time.Second

// findEnvoy looks for the binary in the flag, ENVOY_PATH, the PATH, .tools and the cache. Without
// success, it fetches Envoy into the cache.
func findEnvoy(ctx context.Context, flag string, progress io.Writer) (string, error) {
	for _, named := range []struct{ by, path string }{{"--envoy", flag}, {"ENVOY_PATH", os.Getenv("ENVOY_PATH")}} {
		if named.path == "" {
			continue
		}
		path, err := exec.LookPath(named.path)
		if err != nil {
			return "", failure("no_envoy", fmt.Sprintf("%s names no Envoy: %s", named.by, err), "it is the path of the binary")
		}
		return path, nil
	}
	if path, err := exec.LookPath("envoy"); err == nil {
		return path, nil
	}
	fetched, err := filepath.Glob(filepath.Join(".tools", "envoy", "*", "envoy"))
	if err == nil && len(fetched) > 0 {
		newest := slices.MaxFunc(fetched, func(a, b string) int {
			return compareVersions(filepath.Base(filepath.Dir(a)), filepath.Base(filepath.Dir(b)))
		})
		return newest, nil
	}
	return fetchEnvoy(ctx, progress)
}

// fetchEnvoy returns the default version from the cache, and fetches a missing one.
func fetchEnvoy(ctx context.Context, progress io.Writer) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", failure("no_envoy", "there is no Envoy, and no place to keep one: "+err.Error(), envoyHint)
	}
	getter := getenvoy.Getter{Dir: filepath.Join(cache, "wasm-xds", "envoy"), Progress: progress}
	path := getter.Path(getenvoy.Default)
	if _, err := os.Stat(path); err != nil {
		fmt.Fprintf(progress, "there is no Envoy on this machine: fetching Envoy %s into %s\n", getenvoy.Default, filepath.Dir(path))
	}
	path, err = getter.Get(ctx, getenvoy.Default)
	switch {
	case ctx.Err() != nil:
		return "", errors.New("interrupted")
	case errors.Is(err, getenvoy.ErrNoPip):
		return "", failure("no_envoy", "there is no Envoy on this machine, and "+err.Error(),
			"install pip (Debian, Ubuntu: apt-get install python3-pip), or "+envoyHint)
	case err != nil:
		return "", failure("no_envoy", "there is no Envoy, and none can be fetched: "+err.Error(), envoyHint)
	}
	return path, nil
}

const envoyHint = "install Envoy (https://www.envoyproxy.io/docs/envoy/latest/start/install) and put it on the PATH, " +
	"or name it with --envoy or ENVOY_PATH"

func compareVersions(a, b string) int {
	left, _ := translate.ParseVersion(a) // an unparsable version is older than all
	right, _ := translate.ParseVersion(b)
	switch {
	case left.Less(right):
		return -1
	case right.Less(left):
		return 1
	}
	return 0
}

// envoyRun is a run of Envoy.
type envoyRun struct {
	binary, config, log string
	show                io.Writer // gets the important lines of the log
}

// withEnvoy runs Envoy and do until ctx ends, which is not an error. The end of Envoy itself is
// an error. An error of do ends Envoy, too.
func withEnvoy(ctx context.Context, run envoyRun, do func(context.Context) error) error {
	file, err := os.OpenFile(run.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	tee := &envoyLog{file: file, show: run.show}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	ended, done := make(chan error, 1), make(chan error, 1)
	go func() { ended <- run.exec(inner, tee) }()
	go func() {
		err := do(inner)
		if err != nil {
			cancel()
		}
		done <- err
	}()
	err = <-ended
	early := inner.Err() == nil // Envoy ended by itself
	cancel()
	doErr := <-done
	switch {
	case ctx.Err() != nil:
		return nil
	case early:
		return failure("envoy_ended", fmt.Sprintf("Envoy has ended: %v", err), "its last words: "+tee.last)
	default:
		return doErr
	}
}

// exec runs Envoy. The thread stays locked, because Linux ends the child with the thread that
// started the child, see [childAttributes].
func (run envoyRun) exec(ctx context.Context, log *envoyLog) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// A replaced listener still asks for its former filters while the listener drains, by default
	// for ten minutes.
	c := exec.CommandContext(ctx, run.binary, "-c", run.config, "--disable-hot-restart", "--concurrency", "2", "--drain-time-s", "2",
		"-l", "info", "--log-format", "[%Y-%m-%d %T.%e][%l][%n] %v")
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = childAttributes()
	c.Cancel = func() error {
		log.quiet.Store(true) // the log of Envoy's shutdown is of no interest
		return c.Process.Signal(syscall.SIGTERM)
	}
	c.WaitDelay = envoyGrace
	err := c.Run()
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// envoyLog writes all lines to the file, and shows important lines.
type envoyLog struct {
	file io.Writer
	show io.Writer
	rest []byte // of an incomplete line
	last string // the last line

	quiet atomic.Bool // no further line is shown
}

// longestLogLine bounds the memory for a line without an end.
const longestLogLine = 64 << 10

func (l *envoyLog) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			break
		}
		l.line(string(line))
		l.rest = rest
	}
	if len(l.rest) > longestLogLine {
		l.rest = nil
	}
	return l.file.Write(p)
}

func (l *envoyLog) line(text string) {
	l.last = terminal.Printable(text)
	if !l.quiet.Load() && matters(text) {
		// Leave out the date and the time: the line is of now.
		fmt.Fprintf(l.show, "envoy | %s\n", dateAndTime.ReplaceAllString(l.last, ""))
	}
}

var dateAndTime = regexp.MustCompile(`^\[[0-9][^]]*\]`)

// expected are parts of warnings that mean nothing here. An update with remote code begins with a
// refusal: Envoy keeps the old filter, fetches the module, and accepts the next push. wasm-xds
// logs real refusals, for which Envoy has other messages.
func expected() []string {
	return []string{
		"There is no configured limit", // every Envoy without an overload manager
		"Wasm remote code fetch is unstable",
		"failed to load (in progress)",
		"rejected: Unable to create Wasm plugin",
	}
}

// matters says whether a line is a warning or worse, comes from a filter, or is not a line of
// Envoy's log at all (a crash, or an error of the command line).
func matters(line string) bool {
	if !dateAndTime.MatchString(line) {
		return line != ""
	}
	_, rest, _ := strings.Cut(line, "][")
	level, rest, _ := strings.Cut(rest, "][")
	logger, text, _ := strings.Cut(rest, "] ")
	switch level {
	case "warning", "error", "critical":
		if strings.HasPrefix(text, "Plugin ") && strings.HasSuffix(text, " failed to load") {
			return false
		}
		return !slices.ContainsFunc(expected(), func(part string) bool { return strings.Contains(text, part) })
	}
	return logger == "wasm"
}
