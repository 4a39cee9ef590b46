package suite

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Quantile returns the sample below which the share q of all samples lies. Without samples
// Quantile returns NaN.
func Quantile(samples []float64, q float64) float64 {
	if len(samples) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// Rest waits, so the after-effects of a measurement do not count in the next.
func Rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Replacement is a file beside its final place.
type Replacement struct{ partial, path string }

// Prepare writes a hidden file beside its final place.
func Prepare(path string, content []byte) (Replacement, error) {
	r := Replacement{filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".partial"), path}
	return r, os.WriteFile(r.partial, content, 0o644)
}

// Rename moves the file to its final place.
func (r Replacement) Rename() error { return os.Rename(r.partial, r.path) }

// Replace writes and renames a file.
func Replace(path string, content []byte) error {
	r, err := Prepare(path, content)
	if err != nil {
		return err
	}
	return r.Rename()
}
