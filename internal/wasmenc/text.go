package wasmenc

// Text gathers the constant bytes that a module's code refers to. They lie one
// after another from the address on that [NewText] was given.
type Text struct {
	address int32
	content []byte
}

// NewText is an empty text that will lie at address.
func NewText(address int32) *Text { return &Text{address: address} }

// Push adds s to the text. The code pushes the address of s, then its length.
func (t *Text) Push(s string) Code {
	address := t.End()
	t.content = append(t.content, s...)
	return Code{}.I32Const(address).I32Const(int32(len(s)))
}

// End is the first address behind the text.
func (t *Text) End() int32 { return t.address + int32(len(t.content)) }

// Text places a text into the memory, as [Module.Data] does.
func (m *Module) Text(t *Text) { m.Data(t.address, t.content) }
