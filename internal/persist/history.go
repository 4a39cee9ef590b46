package persist

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/record"
)

// historyKeyFile has the secret of the hidden values in the record, see [record.TextOf]. Without
// the file, the values of former revisions cannot be compared with new ones.
const historyKeyFile = "history.key"

const historyKeySize = 32 // bytes

// historyFile is the name of a file of the record. The record has files of its own, so it
// makes no save of the state larger.
func historyFile(number int) string { return fmt.Sprintf("history-%02d.json", number) }

// History writes files of the record, and returns the numbers of the files that could not be
// written.
func (w *Writer) History(files map[int]record.File) (failed []int, err error) {
	for number, file := range files {
		text, problem := file.Encode()
		if problem == nil {
			problem = w.files.Save(historyFile(number), text)
		}
		if problem != nil {
			failed, err = append(failed, number), errors.Join(err, problem)
		}
	}
	return failed, err
}

// LoadHistory reads the record of an earlier process, with up to limit revisions of each filter,
// and the key of its hidden values. It logs a file that cannot be read, and continues without the
// file.
func LoadHistory(files Files, limit int, log *zap.Logger) (book *record.Book, key []byte) {
	book = record.New(limit)
	if limit == 0 {
		return book, nil
	}
	for number := range record.Shards {
		name := historyFile(number)
		text, err := files.Load(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			if err = book.Read(text); err != nil {
				err = errors.Join(err, files.Save("foreign-"+name, text)) // the next save overwrites the file
			}
		}
		if err != nil {
			log.Error("a part of the history cannot be read: it begins anew", zap.String("file", name), zap.Error(err))
		}
	}
	key, err := files.Load(historyKeyFile)
	if err == nil && len(key) == historyKeySize {
		return book, key
	}
	key = make([]byte, historyKeySize)
	_, _ = rand.Read(key) // crypto/rand.Read never fails
	if err := files.Save(historyKeyFile, key); err != nil {
		log.Error("the key of the history cannot be saved: after a restart, a diff shows each hidden value as changed", zap.Error(err))
	}
	return book, key
}
