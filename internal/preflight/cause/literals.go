package cause

import (
	"regexp/syntax"
	"strings"
)

// literalsOf returns lower-case texts of which every match of the pattern contains at least one, or
// nil. Looking for them first saves matching the table's patterns on nearly every line of a large
// log.
func literalsOf(pattern string) []string {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil // regexp.MustCompile gives a better error
	}
	return needed(parsed)
}

func needed(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{strings.ToLower(string(re.Rune))}
	case syntax.OpCapture, syntax.OpPlus:
		return needed(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needed(re.Sub[0])
		}
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			one := needed(sub)
			if one == nil {
				return nil
			}
			all = append(all, one...)
		}
		return all
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if one := needed(sub); shortest(one) > shortest(best) {
				best = one
			}
		}
		return best
	}
	return nil
}

func shortest(texts []string) int {
	least := 0
	for i, text := range texts {
		if i == 0 || len(text) < least {
			least = len(text)
		}
	}
	return least
}

// hasOne reports whether lower, a text in lower case, contains one of the literals.
func hasOne(lower string, literals []string) bool {
	for _, one := range literals {
		if strings.Contains(lower, one) {
			return true
		}
	}
	return len(literals) == 0
}
