package command

import (
	"testing"
)

func TestByteSize(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "1000": 1000, "64KiB": 64 << 10, "4 MiB": 4 << 20, "1GiB": 1 << 30} {
		var n, again int
		b := byteSize[int]{&n}
		if err := b.Set(text); err != nil || n != want {
			t.Errorf("%q: %d, %v", text, n, err)
		}
		if err := (&byteSize[int]{&again}).Set(b.String()); err != nil || again != n {
			t.Errorf("%q is written as %q", text, b.String())
		}
	}
	for _, text := range []string{"", "-1", "4MB", "MiB", "99999999999"} {
		var n int
		if err := (&byteSize[int]{&n}).Set(text); err == nil {
			t.Errorf("%q is %d", text, n)
		}
	}
}
