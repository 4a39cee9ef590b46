package suite

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Quantile is the sample below which the share q of all lies; NaN of none.
func Quantile(samples []float64, q float64) float64 {
	if len(samples) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// Rest lets a time pass, so that what one measurement leaves behind does not
// count into the next.
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

// Replacement is a file that lies beside its place.
type Replacement struct{ partial, path string }

// Prepare writes a file beside its place, hidden.
func Prepare(path string, content []byte) (Replacement, error) {
	r := Replacement{filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".partial"), path}
	return r, os.WriteFile(r.partial, content, 0o644)
}

// Rename puts it into its place.
func (r Replacement) Rename() error { return os.Rename(r.partial, r.path) }

// Replace does both.
func Replace(path string, content []byte) error {
	r, err := Prepare(path, content)
	if err != nil {
		return err
	}
	return r.Rename()
}
