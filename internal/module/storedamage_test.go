package module

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// damage writes other content under a module's name, like a bad disk.
func damage(t *testing.T, s *Store, sum, content string) {
	t.Helper()
	if err := os.Remove(s.Path(sum)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.Path(sum), []byte(content), 0o444); err != nil {
		t.Fatal(err)
	}
	// Choose a time far from the original's time, for any resolution of the clock.
	then := time.Now().Add(-time.Hour)
	if err := os.Chtimes(s.Path(sum), then, then); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedModules(t *testing.T) {
	content := "some module"
	accesses := map[string]func(*Store, string) error{
		"read": func(s *Store, sum string) error { _, err := s.Read(sum); return err },
		"open": func(s *Store, sum string) error {
			f, err := s.Open(sum)
			if err == nil {
				f.Close()
			}
			return err
		},
	}
	for name, access := range accesses {
		for _, damaged := range []string{"", "some modul", "some modulf", "some module ", "x"} {
			t.Run(fmt.Sprintf("%s %q", name, damaged), func(t *testing.T) {
				s := newStore(t)
				sum := put(t, s, []byte(content))
				if err := access(s, sum); err != nil {
					t.Fatal(err)
				}
				damage(t, s, sum, damaged)
				if err := access(s, sum); !errors.Is(err, ErrCorrupt) {
					t.Fatalf("got %v", err)
				}
				wantFiles(t, s)
				if len(s.verified) != 0 {
					t.Error("the store remembers what is gone")
				}
				put(t, s, []byte(content))
				if err := access(s, sum); err != nil {
					t.Errorf("put again: %v", err)
				}
			})
		}
	}
}

func TestPutHealsADamagedModule(t *testing.T) {
	s := newStore(t)
	sum := put(t, s, []byte("some module"))
	damage(t, s, sum, "rot")
	put(t, s, []byte("some module"))
	if got, err := s.Read(sum); err != nil || string(got) != "some module" {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestOpenOfNoRegularFile(t *testing.T) {
	s := newStore(t)
	sum := sumOf(nil)
	target := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, s.Path(sum)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(sum); !errors.Is(err, ErrCorrupt) || s.Has(sum) {
		t.Errorf("a link: %v", err)
	}
}

func TestVerifiedOnce(t *testing.T) {
	s := newStore(t)
	sum := put(t, s, []byte("some module"))
	again, err := OpenStore(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	var openers sync.WaitGroup
	for range 8 {
		openers.Go(func() {
			f, err := again.Open(sum)
			if err != nil {
				t.Error(err)
				return
			}
			f.Close()
		})
	}
	openers.Wait()
	info, err := os.Stat(s.Path(sum))
	if err != nil {
		t.Fatal(err)
	}
	if again.verified[sum] != stampOf(info) {
		t.Errorf("remembered %v of %v", again.verified[sum], stampOf(info))
	}
}
