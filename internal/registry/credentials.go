package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// Credentials are the origin of the credentials for a registry. The zero value uses the Docker
// configuration with its helpers, and is anonymous if the configuration has no credentials for the
// registry.
// See docs/RATIONALE.md#when-are-credentials-read.
type Credentials struct {
	// PullSecret is the path of a file with a Docker configuration (JSON with auths) or
	// user:password. Changes of the file take effect with the next request.
	PullSecret string
	// Bounds are the places that PullSecret may lead to. nil means every place.
	Bounds *regular.Bounds
}

// maxSecret is the limit of a credentials file, in bytes.
const maxSecret = 1 << 20

// userAgent is the User-Agent of all requests.
const userAgent = "wasm-xds"

type clientKey struct{ registry, secret string }

// keptClient has the tokens for one content of one credentials file.
type keptClient struct {
	content [sha256.Size]byte
	client  *auth.Client
}

// keyring has the clients with the credentials of each registry. A keyring is safe for concurrent
// use.
type keyring struct {
	dockerConfig string       // as in [Config]
	http         *http.Client // sends the requests

	mu      sync.Mutex
	clients map[clientKey]*keptClient
}

func newKeyring(dockerConfig string, client *http.Client) *keyring {
	return &keyring{dockerConfig: dockerConfig, http: client, clients: map[clientKey]*keptClient{}}
}

// authorized returns the client with the credentials for a registry.
func (k *keyring) authorized(registry string, from Credentials) (*auth.Client, error) {
	path := from.PullSecret
	if path == "" {
		path = k.configPath()
	}
	text, err := readSecret(path, from.Bounds)
	switch {
	case err != nil && from.PullSecret == "" && (path == "" || errors.Is(err, fs.ErrNotExist)):
		text = nil // no Docker configuration: anonymous
	case err != nil:
		return nil, credentialsError(registry, fmt.Sprintf("%s cannot be read: %s", path, reason.Of(err)))
	}
	key, content := clientKey{registry, from.PullSecret}, sha256.Sum256(text)
	k.mu.Lock()
	defer k.mu.Unlock()
	if kept := k.clients[key]; kept != nil && kept.content == content {
		return kept.client, nil
	}
	find, err := find(registry, from, path, text)
	if err != nil {
		return nil, err
	}
	client := &auth.Client{
		Client: k.http, Credential: find, Cache: auth.NewCache(), ClientID: userAgent,
		Header: http.Header{"User-Agent": {userAgent}},
	}
	k.clients[key] = &keptClient{content: content, client: client}
	return client, nil
}

// find returns the function that looks up a registry's credentials when the registry asks for them.
func find(registry string, from Credentials, path string, text []byte) (auth.CredentialFunc, error) {
	if from.PullSecret != "" {
		return secretCredential(registry, path, text)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return auth.StaticCredential(registry, auth.EmptyCredential), nil
	}
	store, err := credentials.NewStore(path, credentials.StoreOptions{})
	if err != nil {
		return nil, credentialsError(registry, fmt.Sprintf("%s is no Docker configuration", path))
	}
	lookUp := credentials.Credential(helped{store, path, helpersIn(text)})
	return func(ctx context.Context, host string) (auth.Credential, error) {
		found, err := lookUp(ctx, host)
		if known := (*Error)(nil); err != nil && !errors.As(err, &known) {
			err = credentialsError(registry, fmt.Sprintf("the credentials for %s in %s cannot be read", host, path))
		}
		return found, err
	}, nil
}

// secretCredential parses a pull secret. Its errors never quote the text.
func secretCredential(registry, path string, text []byte) (auth.CredentialFunc, error) {
	text = bytes.TrimSpace(text)
	if !bytes.HasPrefix(text, []byte("{")) {
		user, password, ok := strings.Cut(string(text), ":")
		if !ok || user == "" || password == "" || strings.ContainsAny(user+password, "\r\n") {
			return nil, credentialsError(registry, path+" is neither a Docker configuration nor user:password")
		}
		return auth.StaticCredential(registry, auth.Credential{Username: user, Password: password}), nil
	}
	store, err := credentials.NewMemoryStoreFromDockerConfig(text)
	if err != nil {
		return nil, credentialsError(registry, path+" is no valid Docker configuration")
	}
	found, err := store.Get(context.Background(), credentials.ServerAddressFromRegistry(registry))
	if err != nil || found == auth.EmptyCredential {
		return nil, secretWithout(registry, path, text)
	}
	return auth.StaticCredential(registry, found), nil
}

// store returns the Docker configuration as a store; see [Client.Store].
func (k *keyring) store(plain bool) (credentials.Store, error) {
	path := k.configPath()
	if path == "" {
		return nil, errors.New("there is no home directory for a Docker configuration; set DOCKER_CONFIG")
	}
	store, err := credentials.NewStore(path, credentials.StoreOptions{AllowPlaintextPut: plain, DetectDefaultNativeStore: true})
	if err != nil {
		return nil, fmt.Errorf("the Docker configuration cannot be read: %w", err)
	}
	text, err := readSecret(path, nil)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the Docker configuration cannot be read: %w", err)
	}
	return helped{store, path, helpersIn(text)}, nil
}

// configPath returns the path of the Docker configuration, or "" without a home directory.
func (k *keyring) configPath() string {
	if k.dockerConfig != "" {
		return k.dockerConfig
	}
	dir := os.Getenv("DOCKER_CONFIG")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".docker")
	}
	return filepath.Join(dir, "config.json")
}

func readSecret(path string, in *regular.Bounds) ([]byte, error) {
	if path == "" {
		return nil, fs.ErrNotExist
	}
	return in.Read(path, maxSecret)
}
