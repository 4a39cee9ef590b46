package dir

import "testing"

func TestIsSpecName(t *testing.T) {
	for _, name := range []string{"auth.yaml", "auth.yml", "a.b.yaml", "4913.yaml", "target.yaml"} {
		if !isSpecName(name) {
			t.Errorf("%q is a spec file", name)
		}
	}
	for _, name := range []string{
		"auth.wasm", "auth.json", "auth", "yaml", ".yaml", ".hidden.yaml", ".auth.yaml.swp", "..data",
		"auth.yaml~", "#auth.yaml#", ".#auth.yaml", "~$auth.yaml", "4913", "auth.yaml.bak", "auth.yaml.orig",
		"auth.yaml.tmp", "auth.yaml.tmp.123", "auth.yaml.swp", "auth.yaml.rej", "auth.yaml___jb_tmp___", "sedAbCdEf",
	} {
		if isSpecName(name) {
			t.Errorf("%q is no spec file", name)
		}
	}
}

func TestSkippedDirectories(t *testing.T) {
	for _, name := range []string{".git", "..2024_01_01", "node_modules", "target", "old.bak", "copy~", "lost+found"} {
		if !skipped(name) {
			t.Errorf("%q is not skipped", name)
		}
	}
	for _, name := range []string{"team-a", "targets", "a.d", "x.yaml"} {
		if skipped(name) {
			t.Errorf("%q is skipped", name)
		}
	}
}
