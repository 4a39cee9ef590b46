package gitcheckout_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/gitcheckout"
)

// checkout is a git checkout in a test's directory.
type checkout struct {
	t   *testing.T
	dir string
}

func newCheckout(t *testing.T, args ...string) checkout {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := checkout{t, dir}
	c.git(append([]string{"init", "-q", "-b", "main"}, args...)...)
	return c
}

// git runs git without the configuration of the machine.
func (c checkout) git(args ...string) string {
	c.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (c checkout) write(name, text string) string {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

func (c checkout) commit() string {
	c.t.Helper()
	c.git("add", "-A")
	c.git("commit", "-q", "-m", "a commit")
	return c.git("rev-parse", "HEAD")
}

// want wants a commit of a file, as a new reader sees it.
func (c checkout) want(path, id string, dirty bool) {
	c.t.Helper()
	var r gitcheckout.Reader
	for range 2 { // the second time from the reader's memory
		got, ok := r.Commit(path)
		if !ok || got.ID != id || got.Dirty != dirty {
			c.t.Errorf("%s: %+v, %v, want %s, dirty %v", path, got, ok, id, dirty)
		}
		if ok && filepath.Join(c.dir, got.File) != path {
			c.t.Errorf("the file is %s", got.File)
		}
	}
}

func (c checkout) wantNone(path string) {
	c.t.Helper()
	if got, ok := new(gitcheckout.Reader).Commit(path); ok {
		c.t.Errorf("%s: %+v, want no commit", path, got)
	}
}

func TestCommit(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		t.Run(format, func(t *testing.T) {
			c := newCheckout(t, "--object-format="+format)
			one := c.write("filters/team/auth.yaml", "a: 1\n")
			c.wantNone(one) // before the first commit
			first := c.commit()
			c.want(one, first, false)
			c.write("filters/team/auth.yaml", "a: 2\n")
			c.want(one, first, true)
			c.git("add", "-A") // staged, but in no commit
			c.want(one, first, true)
			second := c.commit()
			c.want(one, second, false)
			two := c.write("filters/new.yaml", "b: 1\n")
			c.want(two, second, true) // not part of the commit
			c.write("filters/team/auth.yaml", "a: 2\r\n")
			c.want(one, second, false) // git may have changed the ends of lines
			c.write("filters/team/auth.yaml", "a: 2\n")
			c.git("checkout", "-q", "--detach")
			c.want(one, second, false)
			c.git("tag", "-a", "v1", "-m", "a tag")
			c.git("checkout", "-q", "-b", "topic/a")
			c.git("gc", "-q", "--aggressive")
			c.git("pack-refs", "--all")
			c.want(one, second, false)
		})
	}
}

// A pack with deltas gives the same objects as git itself.
func TestPackedTrees(t *testing.T) {
	c := newCheckout(t)
	for i := range 200 {
		c.write("filters/filter-"+strings.Repeat("x", i%40)+"-"+string(rune('a'+i%26))+".yaml", strings.Repeat("line\n", i))
	}
	c.commit()
	path := ""
	for i := range 20 {
		path = c.write("filters/deep/er/auth.yaml", strings.Repeat("a\n", i))
		c.write("filters/other.yaml", strings.Repeat("b\n", i))
		c.commit()
	}
	c.git("repack", "-adq", "--depth=50", "--window=50")
	c.want(path, c.git("rev-parse", "HEAD"), false)
	c.git("checkout", "-q", "HEAD~7")
	c.want(path, c.git("rev-parse", "HEAD"), false)
}

// git-sync makes linked worktrees.
func TestLinkedWorktree(t *testing.T) {
	c := newCheckout(t)
	c.write("filters/auth.yaml", "a: 1\n")
	id := c.commit()
	linked := checkout{t, filepath.Join(c.dir, "worktrees", "one")}
	c.git("worktree", "add", "-q", "--detach", linked.dir)
	linked.want(filepath.Join(linked.dir, "filters/auth.yaml"), id, false)

	// A file that names a repository without this worktree leads nowhere.
	forged := checkout{t, t.TempDir()}
	path := forged.write("filters/auth.yaml", "a: 1\n")
	for _, to := range []string{filepath.Join(c.dir, ".git"), filepath.Join(c.dir, ".git/worktrees/one"), "/etc", "../" + filepath.Base(c.dir) + "/.git"} {
		forged.write(".git", "gitdir: "+to+"\n")
		forged.wantNone(path)
	}
}

// The configuration of a repository runs nothing, and no link leads out of the repository.
func TestHostileRepository(t *testing.T) {
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), bytes.Repeat([]byte("a"), 40), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(c checkout){
		"a link to HEAD": func(c checkout) { c.replace(".git/HEAD", filepath.Join(outside, "secret")) },
		"a branch outside": func(c checkout) {
			c.write(".git/HEAD", "ref: refs/../../../../"+outside+"/secret\n")
		},
		"a link to a branch": func(c checkout) { c.replace(".git/refs/heads/main", filepath.Join(outside, "secret")) },
		"links in a circle":  func(c checkout) { c.write(".git/refs/heads/main", "ref: refs/heads/main\n") },
		"no hash":            func(c checkout) { c.write(".git/refs/heads/main", "zz\n") },
		"a huge branch":      func(c checkout) { c.write(".git/refs/heads/main", strings.Repeat("a", 1<<20)) },
		"damaged objects": func(c checkout) {
			id := c.git("rev-parse", "HEAD")
			path := filepath.Join(c.dir, ".git/objects", id[:2], id[2:])
			if err := os.Chmod(path, 0o600); err != nil {
				c.t.Fatal(err)
			}
			c.write(filepath.Join(".git/objects", id[:2], id[2:]), "no object")
		},
		"a missing object": func(c checkout) { c.write(".git/refs/heads/main", strings.Repeat("a", 40)) },
		"no repository":    func(c checkout) { _ = os.Rename(filepath.Join(c.dir, ".git"), filepath.Join(c.dir, "git")) },
		"a linked .git":    func(c checkout) { c.replace(".git", outside) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCheckout(t)
			path := c.write("filters/auth.yaml", "a: 1\n")
			id := c.commit()
			marker := filepath.Join(c.dir, "ran")
			c.git("config", "core.fsmonitor", "touch "+marker)
			c.git("config", "filter.evil.clean", "touch "+marker)
			c.write(".git/info/attributes", "* filter=evil\n")
			c.want(path, id, false)
			change(c)
			c.wantNone(path)
			if _, err := os.Stat(marker); err == nil {
				t.Error("a program of the configuration ran")
			}
		})
	}
}

// replace puts a link in the place of a file or directory.
func (c checkout) replace(name, target string) {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.RemoveAll(path); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		c.t.Fatal(err)
	}
}
