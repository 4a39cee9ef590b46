package bundle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/memory"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func entry(title, mediaType, text string) Entry {
	return Entry{Title: title, MediaType: mediaType, Digest: digest.FromString(text), Size: int64(len(text))}
}

func item(title, mediaType, text string) Item {
	return Item{Entry: entry(title, mediaType, text), Text: []byte(text)}
}

func sample() []Item {
	return []Item{
		item("auth.yaml", SpecType, "module: {file: ./build/auth.wasm}\nconfigFrom: {file: auth.json}\n"),
		item("build/auth.wasm", ModuleType, "\x00asm\x01\x00\x00\x00"),
		item("auth.json", FileType, `{"realm":"prod"}`),
	}
}

// Users rely on the digest of a bundle. If a later release made another bundle from the same input,
// the release would push everything again.
func TestManifestIsReproducible(t *testing.T) {
	const golden = "sha256:87897fb542ba30e4a363aa220da25e309dcc870073105f4b6fc18408f3752a58"
	items := sample()
	one, err := NewArtifact(items, nil)
	if err != nil {
		t.Fatal(err)
	}
	items[0], items[2] = items[2], items[0]
	two, err := NewArtifact(items, nil)
	if err != nil {
		t.Fatal(err)
	}
	if one.Root.Digest != two.Root.Digest {
		t.Errorf("another order, another digest: %s and %s", one.Root.Digest, two.Root.Digest)
	}
	if one.Root.Digest != golden {
		t.Errorf("the digest is %s, and was %s", one.Root.Digest, golden)
	}
	noted, err := NewArtifact(items, map[string]string{"a": "b"})
	if err != nil {
		t.Fatal(err)
	}
	if noted.Root.Digest == one.Root.Digest {
		t.Error("annotations make no difference")
	}
}

func TestParseRefuses(t *testing.T) {
	good := []Entry{entry("a.yaml", SpecType, "a"), entry("x.wasm", ModuleType, "x")}
	with := func(e Entry) func(*ocispec.Manifest) {
		return func(m *ocispec.Manifest) { m.Layers = append(m.Layers, e.Descriptor()) }
	}
	large := func(title, mediaType string, size int64) Entry {
		return Entry{Title: title, MediaType: mediaType, Digest: digest.FromString(title), Size: size}
	}
	for name, test := range map[string]struct {
		change func(*ocispec.Manifest)
		want   string
	}{
		"another artifact":   {func(m *ocispec.Manifest) { m.ArtifactType = "application/x" }, "this is no bundle"},
		"an image":           {func(m *ocispec.Manifest) { m.ArtifactType = ""; m.Config.MediaType = "image" }, `but "image"`},
		"an index":           {func(m *ocispec.Manifest) { m.MediaType = ocispec.MediaTypeImageIndex }, "this is no bundle"},
		"no spec":            {func(m *ocispec.Manifest) { m.Layers = m.Layers[1:] }, "no spec"},
		"upwards":            {with(entry("../b.yaml", SpecType, "b")), "leads out"},
		"upwards later":      {with(entry("b/../../c", FileType, "b")), "not relative and clean"},
		"absolute":           {with(entry("/etc/passwd", FileType, "b")), "not relative and clean"},
		"backslashes":        {with(entry(`..\b`, FileType, "b")), "no path should have"},
		"a line break":       {with(entry("a\nb", FileType, "b")), "no path should have"},
		"hidden":             {with(entry(".git/hooks/pre-commit", FileType, "b")), "hidden"},
		"hidden below":       {with(entry("a/.b", FileType, "b")), "hidden"},
		"no title":           {with(entry("", FileType, "b")), "is empty"},
		"a long title":       {with(entry(strings.Repeat("x", maxTitle+1), FileType, "b")), "too long"},
		"twice":              {with(entry("a.yaml", SpecType, "b")), "twice"},
		"file and directory": {with(entry("a.yaml/b", FileType, "b")), "a file and a directory"},
		"unknown type":       {with(entry("b", "application/b", "b")), "unknown type"},
		"large spec":         {with(large("b.yaml", SpecType, MaxText+1)), "more than"},
		"large module":       {with(large("b.wasm", ModuleType, MaxModule+1)), "more than"},
		"negative":           {with(large("b.wasm", ModuleType, -1)), "more than"},
		"sha512":             {with(Entry{Title: "b", MediaType: FileType, Digest: digest.SHA512.FromString("b"), Size: 1}), "no sha256"},
		"another size":       {with(Entry{Title: "b", MediaType: FileType, Digest: digest.FromString("x"), Size: 7}), "not its size"},
		"elsewhere": {func(m *ocispec.Manifest) {
			m.Layers[0].URLs = []string{"http://169.254.169.254/"}
		}, "outside the registry"},
		"too much": {func(m *ocispec.Manifest) {
			for _, name := range strings.Split("abcdefghij", "") {
				m.Layers = append(m.Layers, large("more/"+name, ModuleType, MaxModule).Descriptor())
			}
		}, "MiB"},
		"too many": {func(m *ocispec.Manifest) { m.Layers = make([]ocispec.Descriptor, MaxEntries+1) }, "files"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := Manifest(good, nil)
			if err != nil {
				t.Fatal(err)
			}
			var m ocispec.Manifest
			if err := json.Unmarshal(text, &m); err != nil {
				t.Fatal(err)
			}
			test.change(&m)
			if text, err = json.Marshal(m); err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	if _, err := Parse([]byte("<html>")); err == nil {
		t.Error("HTML is a manifest")
	}
	if _, err := Parse(make([]byte, MaxManifest+1)); err == nil {
		t.Error("a large manifest is read")
	}
}

func FuzzParse(f *testing.F) {
	text, err := Manifest([]Entry{entry("a.yaml", SpecType, "a"), entry("s/x.wasm", ModuleType, "x")}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(bytes.ReplaceAll(text, []byte("s/x"), []byte("../x")))
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, err := Parse(text)
		if err != nil {
			return
		}
		for _, e := range entries {
			if !filepath.IsLocal(e.Title) || e.Size < 0 {
				t.Errorf("%+v was let pass", e)
			}
		}
		if _, err := Manifest(entries, nil); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}

// push copies an artifact to a store under the tag "t".
func push(t *testing.T, a *Artifact) *memory.Store {
	t.Helper()
	store := memory.New()
	if err := Push(t.Context(), a, store, "t", nil); err != nil {
		t.Fatal(err)
	}
	return store
}

func bundleOf(t *testing.T, items []Item) *Artifact {
	t.Helper()
	a, err := NewArtifact(items, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestPushFetchUnpack(t *testing.T) {
	a := bundleOf(t, sample())
	store, into := push(t, a), memory.New()
	entries, err := fetch(t, store, into, a.Root)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "new", "filters")
	if err := Unpack(t.Context(), into, entries, dir, false); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(textsOf(sample()), tree(t, dir)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// Unpacking again over equal files succeeds. A different file makes Unpack fail without any
	// change.
	if err := Unpack(t.Context(), into, entries, dir, false); err != nil {
		t.Error(err)
	}
	mine := filepath.Join(dir, "auth.json")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	exists := &ExistsError{}
	if err := Unpack(t.Context(), into, entries, dir, false); !errors.As(err, &exists) || exists.Titles[0] != "auth.json" {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := Unpack(t.Context(), into, entries, dir, true); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(textsOf(sample()), tree(t, dir)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// fetch fetches a bundle from its manifest's descriptor alone.
func fetch(t *testing.T, from, into content.Storage, root ocispec.Descriptor) ([]Entry, error) {
	t.Helper()
	entries, err := ReadManifest(t.Context(), from, root)
	if err != nil {
		return nil, err
	}
	return entries, Fetch(t.Context(), from, into, root, entries, nil)
}

func textsOf(items []Item) map[string]string {
	all := map[string]string{}
	for _, i := range items {
		all[i.Title] = string(i.Text)
	}
	return all
}

func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		title, err := filepath.Rel(dir, path)
		all[filepath.ToSlash(title)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Unpack does not follow a link that leads out of the directory.
func TestUnpackStaysInside(t *testing.T) {
	a := bundleOf(t, sample())
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "build")); err != nil {
		t.Fatal(err)
	}
	entries, err := ReadManifest(t.Context(), a, a.Root)
	if err != nil {
		t.Fatal(err)
	}
	if err := Unpack(t.Context(), a, entries, dir, true); err == nil {
		t.Error("it was unpacked over a link")
	}
	if got := tree(t, outside); len(got) > 0 {
		t.Errorf("written outside: %v", got)
	}
}

// liar returns bytes that do not match the descriptor.
type liar struct {
	*memory.Store
	about digest.Digest
	with  string
}

// Fetch returns wrong bytes for one content.
func (l liar) Fetch(ctx context.Context, target ocispec.Descriptor) (io.ReadCloser, error) {
	if target.Digest == l.about {
		return io.NopCloser(strings.NewReader(l.with)), nil
	}
	return l.Store.Fetch(ctx, target)
}

func TestWrongBytesAreNoticed(t *testing.T) {
	a := bundleOf(t, sample())
	for name, with := range map[string]string{
		"others": "\x00asm\x02\x00\x00\x00", "fewer": "\x00asm", "more": "\x00asm\x01\x00\x00\x00 and more",
	} {
		for _, i := range sample() {
			from := liar{push(t, a), i.Digest, with}
			if digest.FromString(with) == i.Digest {
				continue
			}
			if _, err := fetch(t, from, memory.New(), a.Root); err == nil {
				t.Errorf("%s bytes for %s were taken", name, i.Title)
			}
			entries, err := ReadManifest(t.Context(), a, a.Root)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := Unpack(t.Context(), from, entries, dir, false); err == nil {
				t.Errorf("%s bytes for %s were unpacked", name, i.Title)
			}
			if left := tree(t, dir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		}
		from := liar{push(t, a), a.Root.Digest, with}
		if _, err := fetch(t, from, memory.New(), a.Root); err == nil {
			t.Errorf("%s bytes for the manifest were taken", name)
		}
	}
}

// A manifest can name a subject of any size, which is not part of the bundle.
func TestSubjectIsNotFetched(t *testing.T) {
	a := bundleOf(t, sample())
	store := push(t, a)
	var m ocispec.Manifest
	if err := json.Unmarshal(a.blobs[a.Root.Digest].text, &m); err != nil {
		t.Fatal(err)
	}
	m.Subject = &ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("not there"), Size: 1 << 40}
	m.Config = ocispec.Descriptor{MediaType: "application/x", Digest: digest.FromString("nor this"), Size: 1 << 40}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	root := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(text), Size: int64(len(text))}
	if _, err := fetch(t, liar{store, root.Digest, string(text)}, memory.New(), root); err != nil {
		t.Error(err)
	}
}

func TestRead(t *testing.T) {
	const module = "\x00asm\x01\x00\x00\x00"
	names := Names{Tag: "oci://r/b:prod", Exact: "oci://r/b@sha256:1"}
	read := func(items ...Item) Documents {
		entries, texts := []Entry{}, map[string][]byte{}
		for _, i := range items {
			entries, texts[i.Title] = append(entries, i.Entry), i.Text
		}
		return Read(entries, names, texts, func(e Entry) string { return "/blobs/" + e.Digest.Encoded() }, spec.Decode)
	}
	t.Run("good", func(t *testing.T) {
		got := read(sample()...)
		if len(got.Errors) > 0 || len(got.Specs) != 1 {
			t.Fatalf("%+v", got)
		}
		s, sum := got.Specs[0], digest.FromString(module)
		if s.Name != "auth" || s.File != "oci://r/b:prod/auth.yaml" || s.Module.Pos.String() != "oci://r/b@sha256:1/auth.yaml:1:16" {
			t.Errorf("%+v", s)
		}
		if s.Module.File.Path != "/blobs/"+sum.Encoded() || s.Module.SHA256 != sum.Encoded() {
			t.Errorf("module %+v", s.Module)
		}
		if got.References["/blobs/"+sum.Encoded()] != sum.String() || len(got.References) != 2 {
			t.Errorf("references %v", got.References)
		}
	})
	for name, test := range map[string]struct {
		spec, code, at string
	}{
		"a file of this machine": {"module: {file: x.wasm}\nconfigFrom: {file: /etc/passwd}\n", "outside_bundle", "b.yaml:2:20"},
		"a file above":           {"module: {file: ../x.wasm}\n", "outside_bundle", "b.yaml:1:16"},
		"not in it":              {"module: {file: y.wasm}\n", "not_in_bundle", "b.yaml:1:16"},
		"no module":              {"module: {file: b.yaml}\n", "not_in_bundle", "b.yaml:1:16"},
		"a pull secret outside":  {"module: {oci: r.example/x:v1, pullSecret: /run/secret}\n", "secret_in_bundle", "b.yaml:1:43"},
		"a pull secret in it":    {"module: {oci: r.example/x:v1, pullSecret: x.wasm}\n", "secret_in_bundle", "b.yaml:1:43"},
		"broken":                 {"module: [\n", "bad_yaml", "b.yaml:1:9"},
		"a name twice":           {"name: a\nmodule: {file: x.wasm}\n", "duplicate_name", "b.yaml:1"},
	} {
		t.Run(name, func(t *testing.T) {
			got := read(item("a.yaml", SpecType, "module: {file: x.wasm}\n"), item("b.yaml", SpecType, test.spec), item("x.wasm", ModuleType, module))
			if len(got.Errors) != 1 || got.Errors[0].Code != test.code || got.Errors[0].Pos.String() != names.Exact+"/"+test.at {
				t.Errorf("got %v", got.Errors)
			}
		})
	}
}
