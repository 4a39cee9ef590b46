package module

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
)

// others are peers with these bodies, in their order, for one sha256.
type others struct {
	sha256 string
	bodies []string
	asked  atomic.Int32
}

func (o *others) Fetch(_ context.Context, sha256 string, take func(io.Reader) error) error {
	o.asked.Add(1)
	err := errors.New("nobody has it")
	if sha256 != o.sha256 {
		return err
	}
	for _, body := range o.bodies {
		if err = take(strings.NewReader(body)); err == nil {
			return nil
		}
	}
	return err
}

// A module comes from a peer before its URL is asked. Wrong bytes of a peer are not taken, and then
// the URL has the module.
func TestResolveURLFromPeers(t *testing.T) {
	for name, tt := range map[string]struct {
		bodies []string
		gets   int32
	}{
		"a peer has it":                 {[]string{goodWasm}, 0},
		"the second peer has it":        {[]string{goodWasm + "x", goodWasm[:9], "", goodWasm}, 0},
		"other bytes, and cut":          {[]string{goodWasm + "x", goodWasm[:9]}, 1},
		"nobody has it":                 {nil, 1},
		"more bytes than are allowed":   {[]string{goodWasm + strings.Repeat("x", 1<<20)}, 1},
		"packed, as no server sends it": {[]string{gzipped(t, goodWasm)}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var gets atomic.Int32
			address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				gets.Add(1)
				_, _ = io.WriteString(w, goodWasm)
			})
			r, peers := newResolver(t), &others{sha256: sumOf([]byte(goodWasm)), bodies: tt.bodies}
			r.Peers = peers
			m, err := r.Resolve(t.Context(), urlModule(address))
			if err != nil || m.SHA256 != peers.sha256 || gets.Load() != tt.gets || peers.asked.Load() != 1 {
				t.Errorf("%v, %v after %d GETs and %d questions", m, err, gets.Load(), peers.asked.Load())
			}
			if _, err := r.Resolve(t.Context(), urlModule(address)); err != nil || peers.asked.Load() != 1 {
				t.Errorf("%v, and the peers are asked for a stored module", err)
			}
		})
	}
}

// With a good copy on a peer, the layer of an image stays in the registry. The module is the same
// as from the registry, with the root ID of the image.
func TestResolveImageFromPeers(t *testing.T) {
	for name, image := range map[string]registrytest.Image{
		"a plain layer":       registrytest.Artifact([]byte(goodWasm)),
		"with a root ID":      registrytest.Solo([]byte(goodWasm), []string{"root"}),
		"a tar with a sha256": registrytest.Compat([]byte(goodWasm)),
	} {
		t.Run(name, func(t *testing.T) {
			reg, first := plain(t)
			reg.Push(t, "team/filter:v1", image)
			m := ociModule(t, "oci://"+reg.Host+"/team/filter:v1")
			if strings.HasPrefix(name, "a tar") {
				m.SHA256 = sumOf([]byte(goodWasm))
			}
			want, err := first.Resolve(t.Context(), m)
			if err != nil {
				t.Fatal(err)
			}
			r := ociResolver(t, registry.Config{Insecure: []string{reg.Host}})
			peers := &others{sha256: want.SHA256, bodies: []string{goodWasm}}
			r.Peers = peers
			got, err := r.Resolve(t.Context(), m)
			if err != nil || !reflect.DeepEqual(got, want) || peers.asked.Load() != 1 {
				t.Errorf("%+v, %v after %d questions, not %+v", got, err, peers.asked.Load(), want)
			}
			if n := reg.Fetched(image.Layers[0].Content); n != 1 {
				t.Errorf("the layer was fetched %d times", n)
			}
		})
	}
}
