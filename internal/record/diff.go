package record

import (
	"slices"
	"strings"
)

// change is a difference in one line; nil: the text has no such line.
type change struct{ from, to *line }

func (c change) key() string {
	if c.to != nil {
		return c.to.key
	}
	return c.from.key
}

// Diff returns the lines that differ between two texts of [TextOf], each with - or + before it. A
// hidden value that differs is marked as another value.
func Diff(from, to string) []string {
	var out []string
	for _, c := range changes(parse(from), parse(to)) {
		if c.from != nil {
			out = append(out, "-"+c.from.shown())
		}
		if c.to != nil {
			text := "+" + c.to.shown()
			if c.from != nil && c.from.sum != "" && c.to.sum != "" {
				text += " (another value)"
			}
			out = append(out, text)
		}
	}
	return out
}

// Keys returns the keys of the lines that differ, without the size of the module.
func Keys(from, to string) []string {
	var keys []string
	for _, c := range changes(parse(from), parse(to)) {
		if key := c.key(); key != "module.size" {
			keys = append(keys, key)
		}
	}
	return keys
}

// changes compares two texts. The lines of both are in the order of [compare]. A line for a whole
// configuration is left out if a key of the configuration differs. Settings are left out if one
// text has none.
func changes(a, b []line) []change {
	var all []change
	settings := hasSettings(a) && hasSettings(b)
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && compare(a[0], b[0]) < 0:
			all = append(all, change{from: &a[0]})
			a = a[1:]
		case len(a) == 0 || compare(a[0], b[0]) > 0:
			all = append(all, change{to: &b[0]})
			b = b[1:]
		default:
			if a[0] != b[0] {
				all = append(all, change{&a[0], &b[0]})
			}
			a, b = a[1:], b[1:]
		}
	}
	keys := make([]string, len(all))
	for i, c := range all {
		keys[i] = c.key()
	}
	return slices.DeleteFunc(all, func(c change) bool {
		return hasParts(c.key(), keys) || !settings && isSetting(c.key())
	})
}

// settingKey is a key that each text with the settings of a filter has.
const settingKey = "delivery"

// HasSettings reports whether a text has the settings that are no part of a revision.
func HasSettings(text string) bool { return hasSettings(parse(text)) }

func hasSettings(all []line) bool {
	return slices.ContainsFunc(all, func(l line) bool { return l.key == settingKey })
}

// isSetting reports whether a key is such a setting.
func isSetting(key string) bool {
	first, _, _ := strings.Cut(key, ".")
	return slices.Contains([]string{"disabled", settingKey, "nodes", "rollout", "onRemove", "acceptLoss"}, first)
}

// hasParts reports whether any of the keys is a part of a key.
func hasParts(key string, keys []string) bool {
	return slices.ContainsFunc(keys, func(k string) bool {
		rest, below := strings.CutPrefix(k, key)
		return below && rest != "" && (rest[0] == '.' || rest[0] == '[')
	})
}

func (l line) shown() string { return l.key + ": " + l.value }

// Shown returns the lines of a text for people.
func Shown(text string) []string {
	var out, keys []string
	all := parse(text)
	for _, one := range all {
		keys = append(keys, one.key)
	}
	for _, one := range all {
		if one.sum == "" || !hasParts(one.key, keys) {
			out = append(out, one.shown())
		}
	}
	return out
}
