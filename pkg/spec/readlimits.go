package spec

import (
	"fmt"
	"math/big"
	"regexp"
	"time"
)

// The bounds of limits.
const (
	minTimeLimit = time.Microsecond
	maxTimeLimit = time.Second // no filter may take longer for a request
	pageSize     = 64 << 10    // the unit of Wasm memory
	maxMemory    = 1 << 30     // Envoy's limit for a filter
)

// readLimits reads the section limits into l.
func readLimits(d *decoder, v *node, l *Limits) {
	d.section("limits", v, fields{
		"timePerRequest": func(_, v *node) {
			l.TimePos, l.TimePerRequest = v.pos, d.duration("limits.timePerRequest", v, minTimeLimit, maxTimeLimit)
		},
		"memory": func(_, v *node) { l.MemoryPos, l.Memory = v.pos, readSize(d, "limits.memory", v, pageSize, maxMemory) },
	})
	if v.kind == kindMap && len(v.entries) == 0 {
		d.fail(&Error{
			Code: CodeBadValue, Message: "limits limits nothing",
			Hint: "give it timePerRequest or memory, or remove it", Pos: v.pos,
		})
	}
}

var sizeText = regexp.MustCompile(`^([0-9]{1,15})(Ki|Mi|Gi)?$`)

// readSize reads a number of bytes, with or without a binary unit.
func readSize(d *decoder, path string, n *node, least, most int64) int64 {
	if n.kind != kindNumber && !d.is(path, n, kindString) {
		return 0
	}
	parts := sizeText.FindStringSubmatch(n.text)
	if parts == nil {
		d.fail(&Error{
			Code: CodeBadValue, Message: fmt.Sprintf("%s cannot be %q: it must be a size", path, brief(n.text)),
			Hint: "write it as 512Ki, 16Mi or 1Gi, or as a number of bytes", Pos: n.pos,
		})
		return 0
	}
	value, _ := new(big.Int).SetString(parts[1], 10) // the text has digits only
	value.Lsh(value, map[string]uint{"": 0, "Ki": 10, "Mi": 20, "Gi": 30}[parts[2]])
	if value.Cmp(big.NewInt(least)) < 0 || value.Cmp(big.NewInt(most)) > 0 {
		d.failf(CodeBadValue, n, "%s is %s, and must be from %s to %s", path, n.text, binarySize(least), binarySize(most))
		return 0
	}
	return value.Int64()
}

// binarySize formats a size in the largest unit that divides it.
func binarySize(n int64) string {
	units := []string{"", "Ki", "Mi", "Gi"}
	i := 0
	for ; i < len(units)-1 && n >= 1024 && n%1024 == 0; i++ {
		n /= 1024
	}
	return fmt.Sprintf("%d%s", n, units[i])
}
