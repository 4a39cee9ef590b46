package dev

import (
	"errors"
	"io/fs"
	"net"
	"os"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/reason"
)

// isDirectory checks for a directory of specs first, because a wrong path is the commonest
// mistake.
func isDirectory(path string) error {
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return command.Failure("no_directory", "there is no directory "+path, "make it and put a spec into it: see docs/spec.md")
	case err != nil:
		return command.Failure("no_directory", path+" cannot be read: "+reason.Of(err), "")
	case !info.IsDir():
		return command.Failure("no_directory", path+" is no directory", "name the directory that the spec lies in")
	}
	return nil
}

// portsFree returns an error if one of Envoy's addresses is taken. Envoy's own message would be
// in the middle of its log.
func portsFree(addresses ...string) error {
	for _, address := range addresses {
		ln, err := net.Listen("tcp", address)
		if err != nil {
			return command.Failure("address_in_use", "Envoy cannot listen on "+address+": "+reason.Of(err),
				"end what uses it, or see the flags --listen-address, --tcp-listen-address and --envoy-admin-address")
		}
		if err := ln.Close(); err != nil {
			return err
		}
	}
	return nil
}
