package wasmbin

import (
	"github.com/wasm-xds/wasm-xds/internal/wasmenc"
)

// DataSegments returns the content of the data segments of a module that [Parse] takes.
func DataSegments(module []byte) [][]byte {
	var all [][]byte
	in := &reader{data: module, at: headerSize}
	for in.more() {
		id := in.byte()
		section := in.section()
		if id == wasmenc.SectionData {
			section.each(func() { all = append(all, readData(section)) })
		}
	}
	return all
}
