package wasmbin

// Module is the content of a module's sections, as far as linking needs the content. A Module never
// changes.
type Module struct {
	Size      int // bytes
	Sections  []Section
	Imports   []Function // functions
	Exports   []Function // functions
	Globals   []string   // imported globals, as module.name
	Memories  []Memory
	Producers []Producer
	// Foreign means the module imports a memory or a table.
	Foreign bool
	// OddNames means that wazero cannot read the section of names. Engines can do without the
	// section.
	OddNames bool
	// BadNames means Envoy cannot read the functions' names, and refuses the module.
	BadNames bool
}

// Function is an import or an export with its signature in the short form "ii:i": one letter for
// each value (i is i32, I is i64, f is f32, F is f64, v is v128, r is a reference, ? is any other
// type), and parameters before the colon.
type Function struct {
	Module    string // of an import; "" of an export
	Name      string
	Signature string
}

// Section is a part of a module's bytes.
type Section struct {
	Name string // a custom section's own name
	Size int    // bytes
}

// Memory is a linear memory, in pages of 64 KiB.
type Memory struct {
	Min      uint32
	Max      uint32 // 0 without a limit
	HasMax   bool
	Export   string // "": not exported
	Imported bool
}

// Producer is an entry of the producers section.
type Producer struct {
	Field   string // language, processed-by or sdk
	Name    string
	Version string
}
