package etcdclient

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// CodeConfig is the code of errors about the flags and their files.
const CodeConfig = "bad_etcd_config"

// The schemes of endpoints.
const (
	plainScheme = "http"
	tlsScheme   = "https"
)

// addressesOf returns the endpoints as URLs, all of one scheme: https if the flags have anything
// for TLS.
func addressesOf(endpoints []string, asked bool) ([]string, error) {
	usual := plainScheme
	if asked {
		usual = tlsScheme
	}
	var all []string
	first := ""
	for _, text := range endpoints {
		scheme, host, err := split(strings.TrimSpace(text))
		switch {
		case err != nil:
			return nil, endpointProblem(fmt.Sprintf("invalid --etcd-endpoints %q: %s", text, err))
		case scheme == "" && first != "":
			scheme = first
		case scheme == "":
			scheme = usual
		case scheme == plainScheme && asked:
			return nil, endpointProblem(fmt.Sprintf("--etcd-endpoints %s is without TLS, and there is a CA or a certificate for it", text))
		}
		if first == "" {
			first = scheme
		}
		if scheme != first {
			return nil, endpointProblem("--etcd-endpoints has members with TLS and members without")
		}
		all = append(all, scheme+"://"+host)
	}
	return all, nil
}

// isTLS says whether connections to addresses use TLS.
func isTLS(addresses []string) bool { return strings.HasPrefix(addresses[0], tlsScheme+"://") }

// split returns the scheme, or "", and the host with its port.
func split(text string) (scheme, host string, err error) {
	scheme, host, found := strings.Cut(text, "://")
	if !found {
		scheme, host = "", text
	}
	if found && scheme != plainScheme && scheme != tlsScheme {
		return "", "", fmt.Errorf("the scheme %q is neither http nor https", scheme)
	}
	if u, err := url.Parse(plainScheme + "://" + host); err != nil || u.Host != host || u.User != nil {
		return "", "", fmt.Errorf("it is no host with a port")
	}
	name, port, err := net.SplitHostPort(host)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n == 0 || name == "" {
		return "", "", fmt.Errorf("it is no host with a port")
	}
	return scheme, host, nil
}

func endpointProblem(message string) error {
	return &spec.Error{Code: CodeConfig, Message: message, Hint: "as --etcd-endpoints etcd-1:2379,etcd-2:2379,etcd-3:2379"}
}
