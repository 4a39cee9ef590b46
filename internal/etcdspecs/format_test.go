package etcdspecs

import (
	"errors"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func contentOf(text string, size int64) ocispec.Descriptor {
	return ocispec.Descriptor{Digest: digest.FromString(text), Size: size}
}

// The pieces of a content are the whole content, and each transaction stays within the limits.
func TestPiecesAndBatches(t *testing.T) {
	var contents []ocispec.Descriptor
	for i, size := range []int64{0, 1, pieceSize - 1, pieceSize, pieceSize + 1, 16 << 20} {
		contents = append(contents, contentOf(string(rune('a'+i)), size))
	}
	for i := range 300 {
		contents = append(contents, contentOf(string(rune(1000+i)), int64(i)))
	}
	contents = append(contents, contents[0]) // the same content under another title
	p, err := ParsePlace("etcd:///wasm-xds")
	if err != nil {
		t.Fatal(err)
	}
	pieces := piecesOf(p, nil, contents)
	ends, names := map[digest.Digest]int64{}, map[string]bool{}
	n := 0
	for _, batch := range batches(pieces) {
		var size int64
		for _, one := range batch {
			if one.start != ends[one.of.Digest] || one.last != (one.end == one.of.Size) || names[one.key] {
				t.Errorf("%+v", one)
			}
			ends[one.of.Digest], names[one.key] = one.end, true
			size += one.size()
		}
		if n += len(batch); len(batch) == 0 || len(batch) > maxBatchOps || size > maxBatchBytes {
			t.Errorf("a transaction has %d pieces of %d bytes", len(batch), size)
		}
	}
	if n != len(pieces) {
		t.Errorf("the transactions have %d pieces of %d", n, len(pieces))
	}
	for _, one := range contents {
		if ends[one.Digest] != one.Size {
			t.Errorf("%d bytes of %d", ends[one.Digest], one.Size)
		}
	}
}

func TestHead(t *testing.T) {
	want := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("x"), Size: 7}
	text, err := headOf(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parseHead(text); err != nil || got.Digest != want.Digest || got.Size != 7 || got.MediaType != want.MediaType {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{"", "{}", "[]", `{"format":1}`, `{"format":1,"digest":"sha256:1","size":1}`, `{"format":1,"digest":"md5:` + "d41d8cd98f00b204e9800998ecf8427e" + `"}`, string(make([]byte, maxHead+1))} {
		if got, err := parseHead([]byte(text)); err == nil || errors.Is(err, errNewer) {
			t.Errorf("%.40q: %+v, %v", text, got, err)
		}
	}
	if _, err := parseHead([]byte(`{"format":2,"tree":"x"}`)); !errors.Is(err, errNewer) {
		t.Errorf("a newer head: %v", err)
	}
}
