package command

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/address"
)

// These are serve's default addresses, and those of render, bootstrap and status.
const (
	DefaultXDSAddress     = "127.0.0.1:18000"
	DefaultModulesAddress = "127.0.0.1:18001"
	DefaultAdminAddress   = "127.0.0.1:18002"
	DefaultModulesCluster = "wasm_xds_modules"
)

// CheckPort wants host:port, or a Unix socket.
func CheckPort(text string) error {
	_, err := address.Parse(text)
	return err
}

// URLOf is the http URL of an address, or a socket as it is.
func URLOf(text string) string {
	if IsSocket(text) {
		return text
	}
	return "http://" + text
}

// IsSocket says whether an address is a Unix socket.
func IsSocket(text string) bool {
	a, err := address.Parse(text)
	return err == nil && a.IsSocket()
}

// IsLocal says whether an address is reached from this machine only.
func IsLocal(text string) bool {
	a, err := address.Parse(text)
	return err == nil && a.IsLocal()
}

// CheckModulesURL checks the URL, and removes the slash at the end.
func CheckModulesURL(text *string) error {
	if *text == "" {
		return nil
	}
	u, err := url.Parse(*text)
	switch {
	case err != nil:
		return err
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("it does not begin with http:// or https://")
	case u.Host == "":
		return fmt.Errorf("the host is missing")
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return fmt.Errorf("it has more than a host and a path")
	}
	*text = strings.TrimRight(*text, "/")
	return nil
}

// Absolute is the absolute path; "" stays "".
func Absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}
