package corpus

import "slices"

// limits returns modules just below and above a size limit of V8.
func limits() []Case {
	table := func(name string, minimum uint32) Case {
		content := slices.Concat([]byte{1, 0x70, 0}, leb(minimum))
		return Case{Name: "limit/table of " + name, Module: with((&draft{}).frame().m.Bytes(), sectionTable, content)}
	}
	locals := func(name string, n uint32) Case {
		// an additional function without other code
		frame := (&draft{}).frame()
		frame.export("proxy_on_log", "i:", nil)
		body := slices.Concat([]byte{1}, leb(n), []byte{0x7f, 0x0b})
		return Case{Name: "limit/locals " + name, Module: replaceLastBody(frame.m.Bytes(), body)}
	}
	nested := func(name string, depth int) Case {
		var c code
		for range depth {
			c = append(c, 0x02, 0x40)
		}
		for range depth {
			c = append(c, 0x0b)
		}
		return (&draft{}).frame().export("proxy_on_log", "i:", c).as("limit/blocks nested " + name)
	}
	return []Case{
		table("10000000", 10_000_000), table("10000001", 10_000_001), table("4294967295", 1<<32-1),
		locals("49999", 49_999), locals("50001", 50_001), locals("4294967295", 1<<32-1),
		nested("10000 deep", 10_000),
	}
}

// replaceLastBody replaces the code of the last function, which must be empty.
func replaceLastBody(module, body []byte) []byte {
	const empty = 2 // no locals, and the end
	for at := headerSize; at < len(module); {
		id := module[at]
		size, length := number(module[at+1:])
		content := module[at+1+length : at+1+length+size]
		if id == sectionCode {
			kept := content[:len(content)-1-empty]
			return with(module, sectionCode, slices.Concat(kept, leb(uint32(len(body))), body))
		}
		at += 1 + length + size
	}
	return module
}
