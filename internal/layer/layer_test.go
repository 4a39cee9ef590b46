package layer_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/layer"
)

const limit = 1 << 20

var wasm = []byte("\x00asm\x01\x00\x00\x00 and the rest of a module")

type entry struct {
	name string
	data []byte
	kind byte   // 0: a regular file
	link string // used with kind
}

func archive(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		head := &tar.Header{Name: e.name, Size: int64(len(e.data)), Mode: 0o644, Typeflag: e.kind, Linkname: e.link}
		if e.kind == 0 {
			head.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(head); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zip(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func unpack(r io.Reader) ([]byte, error) {
	opened, err := layer.Open(r, limit)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	return io.ReadAll(opened)
}

func TestOpen(t *testing.T) {
	other := entry{name: "etc/passwd", data: []byte("root")}
	long := strings.Repeat("long/", 60)
	whole := func(e ...entry) []byte { return archive(t, e...) }
	for name, packed := range map[string][]byte{
		"a module":                        wasm,
		"a module in gzip":                zip(t, wasm),
		"a tar":                           whole(entry{name: "plugin.wasm", data: wasm}),
		"a tar in gzip":                   zip(t, whole(entry{name: "plugin.wasm", data: wasm})),
		"with a dot before":               whole(entry{name: "./plugin.wasm", data: wasm}),
		"with directories":                whole(entry{name: "./", kind: tar.TypeDir}, entry{name: "opt/", kind: tar.TypeDir}, entry{name: "opt/plugin.wasm", data: wasm}),
		"another name":                    whole(other, entry{name: "filter.wasm", data: wasm}),
		"plugin.wasm before another":      whole(entry{name: "plugin.wasm", data: wasm}, entry{name: "x.wasm", data: []byte("x")}),
		"plugin.wasm behind others":       zip(t, whole(entry{name: "x.wasm", data: []byte("x")}, entry{name: "y.wasm"}, entry{name: "plugin.wasm", data: wasm})),
		"a link elsewhere":                whole(entry{name: "bin", kind: tar.TypeSymlink, link: "/etc"}, entry{name: "plugin.wasm", data: wasm}),
		"an extended head first":          whole(entry{name: long + "x", data: []byte("x")}, entry{name: "plugin.wasm", data: wasm}),
		"a module in a far sub-directory": whole(entry{name: long + "plugin.wasm", data: wasm}),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := unpack(bytes.NewReader(packed))
			if err != nil || !bytes.Equal(got, wasm) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	zeros := make([]byte, limit+1)
	many := make([]byte, 18<<20)
	gz := zip(t, wasm)
	cut := archive(t, entry{name: "plugin.wasm", data: zeros[:5000]})
	for name, tc := range map[string]struct {
		packed []byte
		want   error
	}{
		"too large":                 {append(wasm[:8:8], zeros...), layer.ErrTooLarge},
		"too large in gzip":         {zip(t, append(wasm[:8:8], zeros...)), layer.ErrTooLarge},
		"too large in tar":          {archive(t, entry{name: "plugin.wasm", data: zeros}), layer.ErrTooLarge},
		"a bomb beside the module":  {zip(t, archive(t, entry{name: "zeros", data: many}, entry{name: "plugin.wasm", data: wasm})), layer.ErrTooLarge},
		"a bomb behind the module":  {zip(t, archive(t, entry{name: "plugin.wasm", data: wasm}, entry{name: "zeros", data: many})), layer.ErrTooLarge},
		"nothing in it":             {archive(t, entry{name: "README", data: []byte("x")}), layer.ErrNoModule},
		"a directory of that name":  {archive(t, entry{name: "plugin.wasm/", kind: tar.TypeDir}), layer.ErrNoModule},
		"two":                       {archive(t, entry{name: "a.wasm", data: wasm}, entry{name: "b.wasm", data: wasm}), layer.ErrAmbiguous},
		"two of the name":           {archive(t, entry{name: "a/plugin.wasm", data: wasm}, entry{name: "b/plugin.wasm", data: wasm}), layer.ErrAmbiguous},
		"up":                        {archive(t, entry{name: "../plugin.wasm", data: wasm}), layer.ErrPath},
		"up from below":             {archive(t, entry{name: "a/../../x", data: wasm}), layer.ErrPath},
		"absolute":                  {archive(t, entry{name: "/etc/cron.d/x", data: wasm}), layer.ErrPath},
		"a Windows path":            {archive(t, entry{name: `..\plugin.wasm`, data: wasm}), layer.ErrPath},
		"up behind the module":      {archive(t, entry{name: "plugin.wasm", data: wasm}, entry{name: "../x"}), layer.ErrPath},
		"a symbolic link":           {archive(t, entry{name: "plugin.wasm", kind: tar.TypeSymlink, link: "/etc/passwd"}), layer.ErrLink},
		"a hard link":               {archive(t, entry{name: "plugin.wasm", kind: tar.TypeLink, link: "x"}), layer.ErrLink},
		"gzip that is cut":          {gz[:len(gz)-3], layer.ErrMalformed},
		"gzip with a wrong sum":     {append(gz[:len(gz)-8:len(gz)-8], 1, 2, 3, 4, 5, 6, 7, 8), layer.ErrMalformed},
		"gzip's head alone":         {gz[:4], layer.ErrMalformed},
		"gzip with rubbish behind":  {append(gz[:len(gz):len(gz)], "rubbish that is no gzip"...), layer.ErrMalformed},
		"a tar that is cut":         {cut[:2000], layer.ErrMalformed},
		"a tar in gzip that is cut": {zip(t, cut)[:40], layer.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := unpack(bytes.NewReader(tc.packed)); !errors.Is(err, tc.want) {
				t.Errorf("got %d bytes, %v; want %v", len(got), err, tc.want)
			}
		})
	}
}

var errRotten = errors.New("the digest is another")

// An error of the underlying reader at its end wins: the reader checks a digest there.
func TestTheReadersOwnErrorAtItsEnd(t *testing.T) {
	for name, packed := range map[string][]byte{
		"a module": wasm, "gzip": zip(t, wasm), "a tar": archive(t, entry{name: "plugin.wasm", data: wasm}),
		"a tar in gzip": zip(t, archive(t, entry{name: "plugin.wasm", data: wasm})),
	} {
		t.Run(name, func(t *testing.T) {
			r := io.MultiReader(bytes.NewReader(packed), failing{errRotten})
			if _, err := unpack(r); !errors.Is(err, errRotten) {
				t.Errorf("got %v", err)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// A bomb of 64 MiB needs no more memory than a module.
func TestABombCostsNoMemory(t *testing.T) {
	r, w := io.Pipe()
	go func() {
		z := gzip.NewWriter(w)
		zeros := make([]byte, 1<<20)
		var err error
		for range 64 {
			if _, err = z.Write(zeros); err != nil {
				break
			}
		}
		w.CloseWithError(errors.Join(err, z.Close()))
	}()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	opened, err := layer.Open(r, limit)
	if err == nil {
		_, err = io.Copy(io.Discard, opened)
	}
	runtime.ReadMemStats(&after)
	r.CloseWithError(io.ErrClosedPipe)
	if !errors.Is(err, layer.ErrTooLarge) {
		t.Error(err)
	}
	if spent := after.TotalAlloc - before.TotalAlloc; spent > 8<<20 {
		t.Errorf("%d bytes were allocated", spent)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(wasm)
	f.Add(zip(f, wasm))
	f.Add(archive(f, entry{name: "plugin.wasm", data: wasm}, entry{name: "x", kind: tar.TypeSymlink, link: "y"}))
	f.Add(zip(f, archive(f, entry{name: strings.Repeat("x", 300) + ".wasm", data: wasm})))
	f.Fuzz(func(t *testing.T, packed []byte) {
		got, err := unpack(bytes.NewReader(packed))
		if err == nil && len(got) > limit {
			t.Errorf("%d bytes", len(got))
		}
	})
}
