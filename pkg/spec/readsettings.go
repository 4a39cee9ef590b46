package spec

import (
	"fmt"
	"slices"
)

// readSmoke reports whether smoke is off. A YAML 1.1 writer may have turned off into a boolean.
func readSmoke(d *decoder, v *node) (off bool) {
	if v.kind == kindBool {
		return !d.boolean("smoke", v)
	}
	return choice(d, "smoke", v, "on", "off") == "off"
}

// readCapabilities reads the allowed capabilities. auto stands for the imports of the module.
func readCapabilities(d *decoder, v *node) (names []string, auto bool) {
	switch {
	case v.kind == kindString && v.text == "auto":
		return nil, true
	case v.kind == kindList && len(v.items) == 0:
		return []string{}, false // the module may call nothing; nil would mean no restriction
	default:
		return d.set("capabilities", v), false
	}
}

// readAcceptLoss reads a list of settings. Their order and repetitions mean nothing.
func readAcceptLoss(d *decoder, v *node) []Setting {
	if !d.is("acceptLoss", v, kindList) {
		return nil
	}
	if len(v.items) == 0 {
		d.fail(&Error{
			Code: CodeBadValue, Message: "acceptLoss is an empty list",
			Hint: "name at least one, or remove the key", Pos: v.pos,
		})
	}
	var all []Setting
	for i, item := range v.items {
		all = append(all, choice(d, fmt.Sprintf("acceptLoss[%d]", i), item, Settings()...))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
