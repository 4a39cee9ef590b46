package connect

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Context is a server with a name. A context has the paths of files, and never their content.
type Context struct {
	Name      string `yaml:"name" json:"name"`
	Address   string `yaml:"address" json:"address"`
	CAFile    string `yaml:"caFile,omitempty" json:"caFile,omitempty"`
	CertFile  string `yaml:"certFile,omitempty" json:"certFile,omitempty"`
	KeyFile   string `yaml:"keyFile,omitempty" json:"keyFile,omitempty"`
	TokenFile string `yaml:"tokenFile,omitempty" json:"tokenFile,omitempty"`
}

// Contexts are the contexts of a user. The zero value has none.
type Contexts struct {
	Current  string    `yaml:"current" json:"current"` // the name of one of Contexts; "": none is used
	Contexts []Context `yaml:"contexts" json:"contexts"`
}

// longestContext bounds a name, so lists stay readable.
const longestContext = 64

// ContextsFile returns the path of the user's contexts: $XDG_CONFIG_HOME/wasm-xds/contexts.yaml, or
// below ~/.config.
func ContextsFile() (string, error) {
	base := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(base) { // the XDG specification: a relative path is ignored
		home, err := os.UserHomeDir()
		if err != nil {
			return "", command.Failure("no_config_dir", "there is no place for contexts: neither XDG_CONFIG_HOME nor HOME is set", "set one of them")
		}
		base = filepath.Join(home, ".config")
	}
	return filepath.Join(base, "wasm-xds", "contexts.yaml"), nil
}

// ReadContexts reads the user's contexts. There are none if there is no file, or no place for the
// file: a server's user often has no home directory, or the home of somebody else.
func ReadContexts() (*Contexts, error) {
	path, err := ContextsFile()
	if err != nil || !exists(path) {
		return &Contexts{}, nil //nolint:nilerr // no place for contexts means that there are none
	}
	text, err := regular.Read(path, maxFile)
	if err != nil {
		return nil, command.Failure("cannot_read", path+" cannot be read: "+reason.Of(err), "name a server with --"+addressFlag)
	}
	return parseContexts(path, text)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func parseContexts(path string, text []byte) (*Contexts, error) {
	problem := func(message string, line, column int) error {
		return &spec.Error{
			Code: "bad_contexts", Message: message, Pos: spec.Position{File: path, Line: line, Column: column},
			Hint: "correct the file, or name a server with --" + addressFlag,
		}
	}
	all := &Contexts{}
	if err := yaml.UnmarshalWithOptions(text, all, yaml.Strict()); err != nil {
		if e := yaml.Error(nil); errors.As(err, &e) && e.GetToken() != nil {
			return nil, problem(e.GetMessage(), e.GetToken().Position.Line, e.GetToken().Position.Column)
		}
		return nil, problem("it is no file of contexts", 0, 0)
	}
	names := map[string]bool{}
	for _, c := range all.Contexts {
		if err := checkContext(c); err != nil {
			return nil, problem(err.Error(), 0, 0)
		}
		if names[c.Name] {
			return nil, problem(fmt.Sprintf("the context %q is there twice", c.Name), 0, 0)
		}
		names[c.Name] = true
	}
	if all.Current != "" && !names[all.Current] {
		return nil, problem(fmt.Sprintf("the current context %q is not among the contexts", all.Current), 0, 0)
	}
	return all, nil
}

func checkContext(c Context) error {
	if c.Name == "" || len(c.Name) > longestContext || strings.Trim(strings.ToLower(c.Name), "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
		return fmt.Errorf("a context has the name %q: a name has letters, digits, and . _ -, and at most %d of them", c.Name, longestContext)
	}
	if err := apiclient.CheckAddress(c.Address); err != nil {
		return fmt.Errorf("the context %s has no good address: %w", c.Name, err)
	}
	return nil
}

// Find returns the context with the name.
func (all *Contexts) Find(name string) (Context, bool) {
	for _, c := range all.Contexts {
		if c.Name == name {
			return c, true
		}
	}
	return Context{}, false
}

// Add adds a context. The first context becomes the current context. Add fails if the context is
// not valid, if the context's files cannot be used, or if the name is taken.
func (all *Contexts) Add(c Context) error {
	if err := checkContext(c); err != nil {
		return usage(err.Error())
	}
	if _, known := all.Find(c.Name); known {
		return command.Failure("context_exists", "there is already a context "+c.Name, "remove it first: wasm-xds context rm "+c.Name)
	}
	if _, err := c.server().config(); err != nil {
		return err
	}
	if len(all.Contexts) == 0 {
		all.Current = c.Name
	}
	all.Contexts = append(all.Contexts, c)
	return nil
}

// Use makes a context current.
func (all *Contexts) Use(name string) error {
	if _, known := all.Find(name); !known {
		return all.unknown(name)
	}
	all.Current = name
	return nil
}

// Remove removes a context. After the removal of the current context, none is current.
func (all *Contexts) Remove(name string) error {
	if _, known := all.Find(name); !known {
		return all.unknown(name)
	}
	all.Contexts = slices.DeleteFunc(all.Contexts, func(c Context) bool { return c.Name == name })
	if all.Current == name {
		all.Current = ""
	}
	return nil
}

func (all *Contexts) unknown(name string) error {
	e := command.Failure("no_such_context", fmt.Sprintf("there is no context %q", name), "`wasm-xds context list` lists them all")
	var names []string
	for _, c := range all.Contexts {
		names = append(names, c.Name)
	}
	if near := spec.Nearest(name, names); near != "" {
		e.Hint = fmt.Sprintf("did you mean %q?", near)
	}
	return e
}

// ChangeContexts changes the user's contexts on the disk, and returns them. Changes of other
// processes wait meanwhile, or fail after lockPatience. After an error of change, the disk has what
// it had. Only the user can read the file.
func ChangeContexts(change func(*Contexts) error) (*Contexts, error) {
	path, err := ContextsFile()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, unwritable(path, err)
	}
	unlock, err := lock(path)
	if err != nil {
		return nil, err
	}
	defer unlock()
	all, err := ReadContexts()
	if err != nil {
		return nil, err
	}
	if err := change(all); err != nil {
		return nil, err
	}
	text, err := yaml.Marshal(all)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.WriteFile(path, text, 0o600); err != nil {
		return nil, unwritable(path, err)
	}
	return all, nil
}

// lockPatience is how long a change waits for the change of another process, which takes a moment.
const lockPatience = 10 * time.Second

// lock keeps other processes from changing the file of contexts, until unlock is called. The lock
// is on a file beside it, because each change replaces the file itself.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, unwritable(path, err)
	}
	for end := time.Now().Add(lockPatience); ; time.Sleep(lockPause) {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { _ = f.Close() }, nil // closing ends the lock
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			_ = f.Close()
			return nil, unwritable(path, err)
		case time.Now().After(end):
			_ = f.Close()
			return nil, command.Failure("contexts_locked", path+" is being changed by another process", "try it again, or end that process")
		}
	}
}

// lockPause is the pause between two looks at the lock: flock waits without a limit, or not at all.
const lockPause = 10 * time.Millisecond

func unwritable(path string, err error) error {
	return command.Failure("cannot_write", path+" cannot be written: "+reason.Of(err), "set XDG_CONFIG_HOME to a directory that you can write")
}

// CompleteContexts offers the names of the contexts to a shell.
func CompleteContexts() ([]string, cobra.ShellCompDirective) {
	all, err := ReadContexts()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, one := range all.Contexts {
		names = append(names, cobra.CompletionWithDesc(one.Name, one.Address))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (c Context) server() server {
	return server{address: c.Address, caFile: c.CAFile, certFile: c.CertFile, keyFile: c.KeyFile, tokenFile: c.TokenFile}
}
