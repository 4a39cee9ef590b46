package cause

import (
	"sync"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// rows compiles the constant table once.
var rows = sync.OnceValue(func() []row {
	table := causes()
	compiled := make([]row, len(table))
	for i := range table {
		compiled[i] = compile(&table[i])
	}
	return compiled
})

// causeOf finds the cause of a problem of a step. For an import, detail is "module.name", and
// causeOf ignores the part after a blank or a parenthesis. Otherwise detail is the message of the
// check or of the module's runtime. ok is false if the table knows nothing better than the detail
// itself.
func causeOf(step finding.Step, detail string) (code, message, hint string, ok bool) {
	s := symptomOf(detail)
	for _, r := range rows() {
		if !r.in(step) {
			continue
		}
		if what, found := r.match(s); found {
			return r.code, fill(r.means, what), fill(r.do, what), true
		}
	}
	return "", "", "", false
}
