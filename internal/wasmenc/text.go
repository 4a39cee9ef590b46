package wasmenc

// Text collects the constant bytes for a module's code. The bytes lie in turn in memory,
// from the address of [NewText] on.
type Text struct {
	address int32
	content []byte
}

// NewText returns an empty text for the memory from address on.
func NewText(address int32) *Text { return &Text{address: address} }

// Push appends s to the text. The returned code pushes the address of s, then its length.
func (t *Text) Push(s string) Code {
	address := t.End()
	t.content = append(t.content, s...)
	return Code{}.I32Const(address).I32Const(int32(len(s)))
}

// End returns the first address after the text.
func (t *Text) End() int32 { return t.address + int32(len(t.content)) }
