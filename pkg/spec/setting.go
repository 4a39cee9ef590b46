package spec

import (
	"fmt"
	"slices"
)

// Setting is a field of a spec that some Envoys are too old to obey.
type Setting string

// The settings that acceptLoss can name. Each has the field's path.
const (
	SettingFailurePolicy Setting = "failurePolicy"
	SettingStopIteration Setting = "allowOnHeadersStopIteration"
	SettingCapabilities  Setting = "capabilities"
	SettingEnv           Setting = "vm.env"
	SettingHostEnv       Setting = "vm.hostEnv"
)

// Settings are all of them, in the order in which they are documented.
func Settings() []Setting {
	return []Setting{SettingFailurePolicy, SettingStopIteration, SettingCapabilities, SettingEnv, SettingHostEnv}
}

// readAcceptLoss reads a list of settings. Their order and repetitions mean nothing.
func (d *decoder) readAcceptLoss(v *node) {
	if !d.is("acceptLoss", v, kindList) {
		return
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
	d.spec.AcceptLoss = slices.Compact(all)
}
