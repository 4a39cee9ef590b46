package spec

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
