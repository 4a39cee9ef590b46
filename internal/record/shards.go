package record

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
)

// Shards is the number of files of a record. An edit writes one of them, so a record with many
// filters costs an edit little.
const Shards = 64

// format is the version of a file.
const format = 1

// File is the content of a file: the entries of some filters, the newest first.
type File map[string][]Entry

// shard is a file with its format.
type shard struct {
	Format  int  `json:"format"`
	Filters File `json:"filters"`
}

// ShardOf returns the number of the file with a filter.
func ShardOf(filter string) int {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(filter)) // a hash never fails
	return int(sum.Sum32() % Shards)
}

// Encode returns the bytes of a file. Another goroutine may call it.
func (f File) Encode() ([]byte, error) { return json.Marshal(shard{Format: format, Filters: f}) }

// decodeShard reads a file.
func decodeShard(text []byte) (File, error) {
	var s shard
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("the record cannot be read: %w", err)
	}
	if s.Format != format {
		return nil, fmt.Errorf("the record has the format %d: a newer version has written it", s.Format)
	}
	return s.Filters, nil
}
