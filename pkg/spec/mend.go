package spec

import (
	"strings"

	"github.com/goccy/go-yaml/token"
)

// mend joins the plain scalars that the lexer has cut at a colon inside braces. {host: a:80} and
// {hosts: [a:80]} hold the text a:80, because a colon ends a plain key only before a space or a
// bracket. mend changes tokens in place. unsure is the first ambiguous colon, or nil.
func mend(tokens token.Tokens) (mended token.Tokens, unsure *token.Token) {
	mended = tokens[:0:0]
	for i := 0; i < len(tokens); i++ {
		tk := tokens[i]
		if tk.Type != token.MappingValueType || i+1 == len(tokens) || !adjacent(tk, tokens[i+1]) {
			mended = append(mended, tk)
			continue
		}
		next := tokens[i+1]
		var before *token.Token
		if len(mended) > 0 {
			before = mended[len(mended)-1]
		}
		switch {
		case before == nil || endsKey(before.Type):
			mended = append(mended, tk)
		case isPlain(before.Type) && adjacent(before, tk) && isPlain(next.Type):
			before.Value += ":" + next.Value
			before.Origin += ":" + next.Origin
			before.Type = token.StringType
			before.Next = next.Next
			if next.Next != nil {
				next.Next.Prev = before
			}
			i++
		case isPlain(before.Type) && adjacent(before, tk) && next.Type != token.DoubleQuoteType && next.Type != token.SingleQuoteType:
			mended = append(mended, tk) // a bracket, a comma: the colon does end a key
		default:
			return nil, tk
		}
	}
	return mended, nil
}

// adjacent reports whether the next token follows a token without a gap.
func adjacent(tk, next *token.Token) bool {
	return next.Origin != "" && strings.Trim(next.Origin[:1], " \t\n") != "" &&
		strings.TrimRight(tk.Origin, " \t\n") == tk.Origin
}

func isPlain(t token.Type) bool {
	switch t {
	case token.StringType, token.BoolType, token.NullType, token.InfinityType, token.NanType, token.FloatType,
		token.IntegerType, token.BinaryIntegerType, token.OctetIntegerType, token.HexIntegerType:
		return true
	}
	return false
}

// endsKey reports whether a colon right after the token always ends a key.
func endsKey(t token.Type) bool {
	switch t {
	case token.SingleQuoteType, token.DoubleQuoteType, token.SequenceEndType, token.MappingEndType:
		return true
	}
	return false
}
