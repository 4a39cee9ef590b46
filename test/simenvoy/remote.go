package simenvoy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	wasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/wasm/v3"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// maxModule is the size limit of Envoy's fetcher in bytes.
const maxModule = 32 << 20

// codeCache is an Envoy's cache of remote code with the downloads in progress. The zero value
// accepts remote code without a download.
type codeCache struct {
	ctx     context.Context
	server  string // host:port; "": no module server
	client  *http.Client
	fetches sync.WaitGroup

	mu      sync.Mutex
	have    map[string]bool // by sha256; false: download in progress
	fetched int
}

func (c *codeCache) init(ctx context.Context, server string) {
	c.ctx, c.server = ctx, server
	if server != "" {
		c.have = map[string]bool{}
		c.client = &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 1}}
	}
}

func (c *codeCache) wait() {
	c.fetches.Wait()
	if c.client != nil {
		c.client.CloseIdleConnections()
	}
}

// count returns the number of downloaded modules.
func (c *codeCache) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fetched
}

// load refuses remote code that is not cached and starts the download.
func (c *codeCache) load(one *received) error {
	if c.server == "" {
		return nil
	}
	remote, err := remoteCode(one.config)
	if err != nil {
		return err
	}
	if remote == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	have, known := c.have[remote.GetSha256()]
	if have {
		return nil
	}
	if !known {
		c.have[remote.GetSha256()] = false
		c.fetches.Go(func() { c.fetch(remote) })
	}
	return fmt.Errorf("Unable to create Wasm plugin %s", one.name) //nolint:staticcheck // Envoy's own words
}

func (c *codeCache) fetch(remote *corev3.RemoteDataSource) {
	if err := c.get(remote); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.have, remote.GetSha256())
	}
}

func (c *codeCache) get(remote *corev3.RemoteDataSource) error {
	uri, err := url.Parse(remote.GetHttpUri().GetUri())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, remote.GetHttpUri().GetTimeout().AsDuration())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri.String(), nil)
	if err != nil {
		return err
	}
	// As in Envoy, the URI's host becomes the Host header, and the cluster gives the address.
	req.URL.Host = c.server
	req.Host = uri.Host
	res, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	sum := sha256.New()
	body := io.LimitReader(res.Body, maxModule+1)
	if _, err := io.CopyN(sum, body, res.ContentLength-1); err != nil {
		return err
	}
	// The module server closes the connection after the last byte. Envoy's single main thread
	// handles both, so an observer of the close finds the code in the cache. The lock gives the
	// same order.
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := io.Copy(sum, body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || hex.EncodeToString(sum.Sum(nil)) != remote.GetSha256() {
		return fmt.Errorf("GET %s: %s", uri, res.Status)
	}
	c.have[remote.GetSha256()] = true
	c.fetched++
	return nil
}

// remoteCode returns the resource's remote code, or nil. Only resources with
// nack_on_code_cache_miss count.
func remoteCode(config []byte) (*corev3.RemoteDataSource, error) {
	var packed []byte
	take := func(want protowire.Number, into *[]byte) func(protowire.Number, []byte) error {
		return func(field protowire.Number, v []byte) error {
			if field == want {
				*into = v
			}
			return nil
		}
	}
	// TypedExtensionConfig.typed_config, Any.value, Wasm.config. HTTP and network filters have
	// the same field numbers.
	for _, step := range []protowire.Number{2, 2, 1} {
		if err := fields(config, take(step, &packed)); err != nil {
			return nil, err
		}
		config = packed
	}
	var plugin wasmv3.PluginConfig
	if err := proto.Unmarshal(packed, &plugin); err != nil {
		return nil, err
	}
	vm := plugin.GetVmConfig()
	if !vm.GetNackOnCodeCacheMiss() {
		return nil, nil
	}
	return vm.GetCode().GetRemote(), nil
}
