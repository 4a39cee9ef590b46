package spec

import "strings"

// longestName bounds the names that Nearest compares. No name of a field, value or filter is
// longer.
const longestName = 253

// Nearest returns the known name that the writer of name most likely meant, or "" if no known name
// is near enough. Nearest ignores case, '-' and '_'. Of equally near names it returns the first.
func Nearest(name string, known []string) string {
	if len(name) > longestName {
		return ""
	}
	wanted := plain(name)
	if wanted == "" {
		return ""
	}
	limit := 2 // two edits are too many in a word of three letters
	if len(wanted) > 3 {
		limit = max(2, len(wanted)/3) + 1
	}
	best, bestDistance := "", limit
	for _, candidate := range known {
		if len(candidate) > longestName {
			continue
		}
		if d := distance(wanted, plain(candidate), limit); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// plain removes differences that are no misspellings: case, '-' and '_'.
func plain(s string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(s))
}

// distance returns the number of edits (insert, delete, replace, swap neighbours) between a and b,
// but at most limit. If one name contains the other, the distance is just below the limit:
// FAIL_OPEN is near open, and auth is near prod-auth.
func distance(a, b string, limit int) int {
	contained := limit
	if min(len(a), len(b)) >= 3 && (strings.Contains(a, b) || strings.Contains(b, a)) {
		contained = limit - 1
	}
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return contained
	}
	// Rows i-2, i-1 and i of the optimal string alignment table.
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], contained)
}
