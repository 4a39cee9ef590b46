package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
)

func (s *scenario) writeOCI(name, reference, more string) {
	s.t.Helper()
	text := fmt.Sprintf("name: %s\nmodule:\n  oci: %s\n%s", name, reference, more)
	harness.WriteFile(s.t, filepath.Join(s.dir, name+".yaml"), []byte(text))
}

// An image of each shape goes live on every version of Envoy.
func TestImagesOfEachShape(t *testing.T) {
	reg := registrytest.Start(t, registrytest.Options{})
	s := newScenario(t, "--insecure-registry", reg.Host)
	s.cp.Start()
	first := authModule("first")
	reg.Push(t, "filters/auth:first", registrytest.Artifact(first))
	s.writeOCI(auth, reg.Ref("filters/auth:first"), "")
	all := s.eachVersion(first, "first")
	for _, shape := range []struct {
		name string
		of   func(module []byte) registrytest.Image
	}{
		{"artifact", registrytest.Artifact},
		{"single", func(m []byte) registrytest.Image { return registrytest.Single("application/octet-stream", m) }},
		{"solo", func(m []byte) registrytest.Image {
			return registrytest.Solo(m, nil, registrytest.Blob{MediaType: "text/plain", Content: []byte("notes")})
		}},
		{"compat", registrytest.Compat},
		{"docker", registrytest.DockerCompat},
		{"index", func(m []byte) registrytest.Image {
			return registrytest.Index(registrytest.Compat([]byte("another")).For("linux/arm64"), registrytest.Artifact(m).For("wasip1/wasm"))
		}},
	} {
		module := authModule(shape.name)
		digest := reg.Push(t, "filters/auth:"+shape.name, shape.of(module))
		s.writeOCI(auth, reg.Ref("filters/auth:"+shape.name), "")
		f := s.cp.WaitLive(auth, module, len(all))
		all.live(shape.name)
		if f.Module.Digest != digest || f.Module.Reference != reg.Ref("filters/auth:"+shape.name) {
			t.Errorf("%s: the status names %+v, and %s was pushed", shape.name, f.Module, digest)
		}
	}
	all.end()
}

// A moved tag goes live without a lost request. A registry outage changes nothing, even for a
// server that restarts. A tag without refresh never moves.
func TestTagThatMoves(t *testing.T) {
	reg := registrytest.Start(t, registrytest.Options{User: "ann", Password: "s3cret", TLS: true})
	s := newScenario(t, "--ca-file", reg.CAFile)
	secret := filepath.Join(s.dir, "pull-secret")
	harness.WriteFile(t, secret, []byte("ann:s3cret\n"))
	one, two, three := authModule("v1"), authModule("v2"), authModule("v3")
	reg.Push(t, "filters/auth:prod", registrytest.Artifact(one))
	reg.Push(t, "filters/once:v1", registrytest.Artifact(one))
	s.cp.Start()
	s.writeOCI(auth, reg.Ref("filters/auth:prod"), "  refresh: 1s\n  pullSecret: ./pull-secret\n")
	s.writeOCI("once", reg.Ref("filters/once:v1"), "  pullSecret: ./pull-secret\n")
	e := s.envoy(proxyOptions{})
	s.cp.WaitLive(auth, one, 1)
	s.cp.WaitFilter("once", func(f harness.FilterStatus) bool { return f.Module.SHA256 == harness.SHA256(one) })
	e.WaitReady()
	tr := s.traffic(e.web[0])
	tr.live("v1")

	reg.Push(t, "filters/once:v1", registrytest.Artifact(two))
	reg.Push(t, "filters/auth:prod", registrytest.Compat(two))
	s.cp.WaitLive(auth, two, 1)
	tr.live("v2")

	reg.Stop()
	failed := s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.Error != nil })
	if failed.Error.Code != "registry_unreachable" || failed.State != "active" {
		t.Errorf("%s with the error %+v", failed.State, failed.Error)
	}
	s.cp.Kill()
	s.cp.Start()
	s.cp.WaitLive(auth, two, 1)
	// An edit that needs no registry works during the outage.
	s.writeOCI("once", reg.Ref("filters/once:v1"), "  pullSecret: ./pull-secret\nconfig: edited\n")
	edited := s.cp.WaitFilter("once", func(f harness.FilterStatus) bool { return f.Revision != "" && f.Error == nil })
	if edited.Module.SHA256 != harness.SHA256(one) {
		t.Errorf("a tag without refresh has moved: %+v", edited.Module)
	}
	reg.Restart(t)
	reg.Push(t, "filters/auth:prod", registrytest.DockerCompat(three))
	s.cp.WaitLive(auth, three, 1)
	tr.live("v3")
	tr.end()
	if log := s.cp.Log(); strings.Contains(log, "s3cret") {
		t.Error("the log has the password")
	}
}

// If the disk damages a module, the server downloads the module again and sends the damaged bytes
// to no Envoy.
func TestRottenModule(t *testing.T) {
	reg := registrytest.Start(t, registrytest.Options{})
	s := newScenario(t, "--insecure-registry", reg.Host)
	module := authModule("v1")
	reg.Push(t, "filters/auth:v1", registrytest.Artifact(module))
	s.cp.Start()
	s.writeOCI(auth, reg.Ref("filters/auth:v1"), "")
	e := s.envoy(proxyOptions{})
	s.cp.WaitLive(auth, module, 1)
	e.WaitReady()
	tr := s.traffic(e.web[0])
	tr.live("v1")
	if n := reg.Fetched(module); n != 1 {
		t.Errorf("%d downloads", n)
	}
	file := filepath.Join(s.cp.StateDir(), "modules", harness.SHA256(module)+".wasm")
	for _, restart := range []bool{false, true} {
		rotten := bytes.Clone(module)
		rotten[len(rotten)/2] ^= 1
		if restart {
			s.cp.Kill()
		}
		harness.WriteFile(t, file, rotten)
		if restart {
			s.cp.Start()
		}
		another := s.envoy(proxyOptions{})
		another.WaitReady()
	}
	s.cp.WaitLive(auth, module, 3)
	if n := reg.Fetched(module); n == 0 {
		t.Error("the module was not brought again")
	}
	if content, err := os.ReadFile(file); err != nil || !bytes.Equal(content, module) {
		t.Errorf("the module on the disk is still rotten, or gone: %v", err)
	}
	tr.end()
}
