package persist

import (
	"io/fs"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// memory are files in memory.
type memory map[string]string

func (m memory) Save(name string, data []byte) error  { m[name] = string(data); return nil }
func (m memory) Write(name string, data []byte) error { return m.Save(name, data) }
func (m memory) Sync(string) error                    { return nil }

func (m memory) Load(name string) ([]byte, error) {
	text, ok := m[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

// The next save overwrites the state, so a state that a newer version has written is kept.
func TestAStateOfAnotherFormatIsKept(t *testing.T) {
	for text, kept := range map[string]bool{
		`{"format":1,"tags":{"a":"b"}}`: false,
		`{"format":2,"tags":{"a":"b"}}`: true,
		`{"format":2,"tags":["a"]}`:     true,
		"":                              true,
	} {
		core, logs := observer.New(zap.ErrorLevel)
		files := memory{stateFile: text}
		s := Load(files, zap.New(core))
		if got, ok := files[foreignFile]; ok != kept || kept && got != text {
			t.Errorf("%s: kept %q, %v", text, got, ok)
		}
		if known := s.Tags["a"] == "b"; known == kept || logs.Len() > 0 != kept {
			t.Errorf("%s: the state is %+v, with %d errors", text, s, logs.Len())
		}
	}
	if s := Load(memory{}, zap.NewNop()); s.Format != 0 {
		t.Errorf("%+v", s)
	}
}
