package translate_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

func TestTemplateIsMarshal(t *testing.T) {
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			template, err := translate.NewTemplate(c.revision, c.code, c.version)
			if err != nil {
				t.Fatal(err)
			}
			for _, salt := range []string{testSalt, "0000000000000000", "ffffffffffffffff"} {
				want, err := translate.Marshal(c.revision, c.code, salt, c.version)
				if err != nil {
					t.Fatal(err)
				}
				if got := template.Bytes(salt); !bytes.Equal(got, want) {
					t.Errorf("salt %s: the patched bytes differ", salt)
				}
				parts := append(append(bytes.Clone(template.Prefix()), salt...), template.Suffix()...)
				if !bytes.Equal(parts, want) {
					t.Errorf("salt %s: the parts differ", salt)
				}
				if template.Len() != len(want) {
					t.Errorf("Len is %d of %d", template.Len(), len(want))
				}
			}
		})
	}
}

// A module or a configuration may hold the very salt that a template is made
// with, by chance or on purpose.
func TestTemplateFindsTheSaltAmongItsLikes(t *testing.T) {
	var likes []byte
	for i := range 3 {
		seed := sha256.Sum256([]byte{byte(i)})
		likes = append(likes, hex.EncodeToString(seed[:translate.SaltLen/2])...)
	}
	r := revision(func(r *snapshot.Revision) { r.Config = text(string(likes)) })
	code := inlineCode()
	code.Bytes = likes
	template, err := translate.NewTemplate(r, code, v1_40)
	if err != nil {
		t.Fatal(err)
	}
	want, err := translate.Marshal(r, code, testSalt, v1_40)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(template.Bytes(testSalt), want) {
		t.Error("the salt was patched in at another place")
	}
}

func TestTemplateRefusesWhatIsNoSalt(t *testing.T) {
	template, err := translate.NewTemplate(revision(nil), remoteCode(), v1_40)
	if err != nil {
		t.Fatal(err)
	}
	for _, salt := range []string{"", "0", "00112233445566FF", "00112233445566fff"} {
		if !panics(func() { template.Bytes(salt) }) {
			t.Errorf("salt %q was taken", salt)
		}
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

func TestTemplateBytesAreTheCallersOwn(t *testing.T) {
	template, err := translate.NewTemplate(revision(nil), inlineCode(), v1_40)
	if err != nil {
		t.Fatal(err)
	}
	first := template.Bytes(testSalt)
	want := bytes.Clone(first)
	clear(first)
	if !bytes.Equal(template.Bytes(testSalt), want) {
		t.Error("the template changed with the bytes that it gave")
	}
}

func BenchmarkTemplate(b *testing.B) {
	code := inlineCode()
	code.Bytes = bytes.Repeat(testModule, 1<<17) // 1 MiB
	template, err := translate.NewTemplate(revision(nil), code, v1_40)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(template.Len()))
	for b.Loop() {
		template.Bytes(testSalt)
	}
}
