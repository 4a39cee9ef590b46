package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// helpers is the part of a Docker configuration that names credential helpers.
type helpers struct {
	// ByServer has the helpers by the server's address. All is the helper for all other servers. A
	// helper's program is docker-credential-<helper>.
	ByServer map[string]string `json:"credHelpers"`
	All      string            `json:"credsStore"`
}

// helpersIn parses a Docker configuration. The result is empty if the text is invalid.
func helpersIn(text []byte) helpers {
	var h helpers
	if json.Unmarshal(text, &h) != nil {
		return helpers{}
	}
	return h
}

// of returns the helper program for a server's address, or "" if there is none.
func (h helpers) of(address string) string {
	name := h.ByServer[address]
	if name == "" {
		name = h.All
	}
	if name == "" {
		return ""
	}
	return helperPrefix + name
}

// helperPrefix begins the names of the helper programs.
const helperPrefix = "docker-credential-"

// helperPackages says how to install common helpers, by the name after the prefix.
var helperPackages = map[string]string{
	"ecr-login":     "install the package amazon-ecr-credential-helper",
	"gcloud":        "install the Google Cloud CLI",
	"gcr":           "install it with `gcloud components install docker-credential-gcr`",
	"acr-env":       "install it from github.com/chrismellard/docker-credential-acr-env",
	"pass":          "install docker-credential-helpers",
	"secretservice": "install docker-credential-helpers",
	"osxkeychain":   "install docker-credential-helpers",
	"wincred":       "install docker-credential-helpers",
	"desktop":       "install Docker Desktop",
}

// helped is the store of a Docker configuration. Its errors name the helper and the next step.
type helped struct {
	credentials.Store
	path    string // of the configuration
	helpers helpers
}

// Get implements [credentials.Store].
func (h helped) Get(ctx context.Context, address string) (auth.Credential, error) {
	found, err := h.Store.Get(ctx, address)
	return found, h.worded(address, err)
}

// Put implements [credentials.Store].
func (h helped) Put(ctx context.Context, address string, c auth.Credential) error {
	return h.worded(address, h.Store.Put(ctx, address, c))
}

// Delete implements [credentials.Store].
func (h helped) Delete(ctx context.Context, address string) error {
	return h.worded(address, h.Store.Delete(ctx, address))
}

// worded makes a helper's error readable. A helper's own output may contain secrets, and is not
// passed on.
func (h helped) worded(address string, err error) error {
	program := h.helpers.of(address)
	if err == nil || program == "" {
		return err
	}
	host := address
	if address == credentials.ServerAddressFromRegistry("docker.io") {
		host = "docker.io"
	}
	e := credentialsError(host, fmt.Sprintf("the credential helper %s, which %s names for it, has failed", program, h.path))
	e.hint = fmt.Sprintf("run `echo %s | %s get` to see why", address, program)
	start := &exec.Error{}
	switch {
	case errors.Is(err, exec.ErrNotFound):
		e.Words = fmt.Sprintf("the credential helper %s, which %s names for it, is not installed", program, h.path)
		e.hint = helperPackages[strings.TrimPrefix(program, helperPrefix)]
		if e.hint == "" {
			e.hint = "install it in a directory of $PATH"
		}
		e.hint += ", or take it out of the file and log in with `wasm-xds login " + host + "`"
	case errors.As(err, &start):
		e.Words = fmt.Sprintf("the credential helper %s, which %s names for it, cannot be started: %v", program, h.path, start.Err)
	}
	e.err = err
	return e
}

// secretWithout says why a pull secret has no credentials for a registry. Helpers in a pull secret
// are not run, because the author of a spec could then choose programs on the server's machine.
func secretWithout(registry, path string, text []byte) *Error {
	e := credentialsError(registry, path+" has no credentials for this registry")
	if program := helpersIn(text).of(credentials.ServerAddressFromRegistry(registry)); program != "" {
		e.Words += fmt.Sprintf("; it names the credential helper %s, and helpers of a pull secret are not used", program)
		e.hint = "put the credentials themselves into the pull secret, or leave module.pullSecret out and name the helper in the server's Docker configuration"
	}
	return e
}
