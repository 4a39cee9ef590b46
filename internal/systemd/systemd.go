// Package systemd speaks with systemd, or with any service manager that has the same interface.
//
//   - [Listeners] are the sockets that systemd has opened and passed to this process. They outlive
//     a restart of the process, so no connection is refused meanwhile (sd_listen_fds(3)).
//   - [Manager] hears how the process is (sd_notify(3), sd_watchdog_enabled(3)).
package systemd

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// Listeners returns the passed listeners by their names, which are those of FileDescriptorName= in
// the socket units. nil means no listener was passed. names are the names that the caller
// knows: Listeners fails for any other name, and for two listeners of a name. The environment
// variables of the passing are removed, so a second call finds nothing.
func Listeners(names ...string) (_ map[string]net.Listener, err error) {
	files := activation.Files(true)
	if len(files) == 0 {
		return nil, nil
	}
	passed := map[string]net.Listener{}
	defer func() {
		for _, f := range files {
			_ = f.Close() // the listeners have copies
		}
		if err != nil {
			for _, l := range passed {
				_ = l.Close()
			}
		}
	}()
	for _, f := range files {
		name := f.Name()
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("a socket is called %q: FileDescriptorName= is one of %s", name, strings.Join(names, ", "))
		}
		if passed[name] != nil {
			return nil, fmt.Errorf("two sockets are called %q: each address has one socket", name)
		}
		l, err := net.FileListener(f)
		if err != nil {
			return nil, fmt.Errorf("the socket called %q is no listening stream socket: %w", name, err)
		}
		passed[name] = l
	}
	return passed, nil
}

// Manager is the service manager of this process. Its zero value stands for no manager, which hears
// nothing. A Manager is safe for concurrent use.
type Manager struct {
	present  bool
	watchdog time.Duration
}

// Find returns the manager that the environment names.
func Find() (Manager, error) {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return Manager{}, nil
	}
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return Manager{}, fmt.Errorf("WATCHDOG_USEC or WATCHDOG_PID cannot be read: %w", err)
	}
	return Manager{present: true, watchdog: watchdog}, nil
}

// Hears reports whether there is a manager.
func (m Manager) Hears() bool { return m.present }

// Watchdog is the time after which the manager ends a process without a sign of life. 0 means that
// the manager expects none.
func (m Manager) Watchdog() time.Duration { return m.watchdog }

// Ready says the process serves. status is a line for people.
func (m Manager) Ready(status string) error { return m.send(daemon.SdNotifyReady, statusLine(status)) }

// Reloading says the process reads its files again. Ready ends the reload.
func (m Manager) Reloading() error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return err
	}
	return m.send(daemon.SdNotifyReloading, "MONOTONIC_USEC="+strconv.FormatInt(now.Nano()/int64(time.Microsecond), 10))
}

// Stopping says the process ends.
func (m Manager) Stopping() error { return m.send(daemon.SdNotifyStopping) }

// Alive is a sign of life, with a line for people.
func (m Manager) Alive(status string) error {
	return m.send(daemon.SdNotifyWatchdog, statusLine(status))
}

func statusLine(text string) string { return "STATUS=" + strings.ReplaceAll(text, "\n", " ") }

func (m Manager) send(lines ...string) error {
	if !m.present {
		return nil
	}
	_, err := daemon.SdNotify(false, strings.Join(lines, "\n"))
	return err
}
