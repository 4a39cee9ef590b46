package fanout

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/test/bench/suite"
)

// target is a measured server.
type target interface {
	address() string
	pid() int
	edit(filter, config string, canary bool) error
	goroutines() (float64, error)
	stop() error
}

// ours is the built wasm-xds.
type ours struct {
	*suite.Server
	dir    string
	module string
}

func startOurs(binary, dir, modulePath string, filters []string, config string) (*ours, error) {
	// The specs may name files of dir, and no others.
	o := &ours{dir: filepath.Join(dir, "filters"), module: filepath.Join(dir, filepath.Base(modulePath))}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return nil, err
	}
	if err := os.Link(modulePath, o.module); err != nil {
		return nil, err
	}
	for _, name := range filters {
		if err := o.edit(name, config, false); err != nil {
			return nil, err
		}
	}
	var err error
	o.Server, err = suite.StartServer(binary, o.dir, filepath.Join(dir, "state"), filepath.Join(dir, "wasm-xds.log"),
		// The sandbox's freed memory would hide the memory for Envoys.
		"--preflight", "off")
	return o, err
}

func (o *ours) address() string              { return o.XDS }
func (o *ours) pid() int                     { return o.PID() }
func (o *ours) goroutines() (float64, error) { return o.Metric("go_goroutines") }
func (o *ours) stop() error                  { return o.Stop() }

// edit renames a spec into place.
func (o *ours) edit(filter, config string, canary bool) error {
	rollout := "{canary: 0}"
	if canary {
		rollout = "{canary: 1}"
	}
	text := fmt.Sprintf("name: %s\nmodule: {file: %s}\ndelivery: inline\nconfig: %s\nrollout: %s\n", filter, o.module, config, rollout)
	partial := filepath.Join(o.dir, "."+filter+".partial")
	if err := os.WriteFile(partial, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(partial, filepath.Join(o.dir, filter+".yaml"))
}

// plain is test/bench/plainserver.
type plain struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	at  string
}

func startPlain(binary, modulePath string, filters []string, config string) (*plain, error) {
	p := &plain{cmd: exec.Command(binary, "-module", modulePath, "-filters", strings.Join(filters, ","), "-config", config)}
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	p.at, err = p.line()
	return p, err
}

func (p *plain) line() (string, error) {
	line, err := p.out.ReadString('\n')
	return strings.TrimSpace(line), err
}

func (p *plain) address() string { return p.at }
func (p *plain) pid() int        { return p.cmd.Process.Pid }

func (p *plain) edit(filter, config string, _ bool) error {
	_, err := fmt.Fprintln(p.in, "edit", filter, config)
	return err
}

func (p *plain) goroutines() (float64, error) {
	if _, err := fmt.Fprintln(p.in, "goroutines"); err != nil {
		return 0, err
	}
	line, err := p.line()
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(line, 64)
}

func (p *plain) stop() error {
	if err := p.in.Close(); err != nil {
		return err
	}
	return p.cmd.Wait()
}
