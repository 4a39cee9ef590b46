package modules

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/wasm-xds/wasm-xds/test/bench/suite"
)

// nginx is a running nginx in the foreground.
type nginx struct {
	address string
	cmd     *exec.Cmd
}

func nginxBinary() (string, error) {
	for _, name := range []string{"nginx", "/usr/sbin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no nginx to compare with; install it (Debian: apt-get install nginx-light)")
}

func nginxVersion() string {
	binary, err := nginxBinary()
	if err != nil {
		return "not installed"
	}
	out, err := exec.Command(binary, "-v").CombinedOutput()
	if err != nil {
		return "of unknown version"
	}
	_, version, _ := strings.Cut(strings.TrimSpace(string(out)), "/")
	return version
}

const nginxConfig = `daemon off;
worker_processes auto;
pid %[1]s/nginx.pid;
error_log %[1]s/nginx-error.log;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  types { application/wasm wasm; }
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  server { listen %[2]s; root %[3]s; }
}
`

// startNginx serves the files in root. nginx's own files go to dir.
func startNginx(ctx context.Context, dir, root string) (*nginx, error) {
	binary, err := nginxBinary()
	if err != nil {
		return nil, err
	}
	// nginx's workers may run as a different user than the owner of the directories.
	for _, d := range []string{dir, root} {
		if err := os.Chmod(d, 0o755); err != nil {
			return nil, err
		}
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &nginx{address: free.Addr().String()}
	if err := free.Close(); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, dir, n.address, root), 0o644); err != nil {
		return nil, err
	}
	n.cmd = exec.Command(binary, "-c", config, "-p", dir, "-e", filepath.Join(dir, "nginx-error.log"))
	if err := n.cmd.Start(); err != nil {
		return nil, err
	}
	for range 200 {
		if conn, err := net.Dial("tcp", n.address); err == nil {
			return n, conn.Close()
		}
		if err := suite.Rest(ctx, 25*time.Millisecond); err != nil {
			return nil, errors.Join(err, n.stop())
		}
	}
	return nil, errors.Join(errors.New("nginx does not serve"), n.stop())
}

// pids returns the ids of nginx's master and workers.
func (n *nginx) pids() ([]int, error) {
	master := n.cmd.Process.Pid
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", master, master))
	if err != nil {
		return nil, err
	}
	pids := []int{master}
	for _, field := range strings.Fields(string(text)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			return nil, err
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

func (n *nginx) stop() error {
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return n.cmd.Wait()
}
