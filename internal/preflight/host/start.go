package host

import (
	"context"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// start runs the steps of Envoy for a new instance.
func start(ctx context.Context, i *instance) error {
	i.contexts.addRoot(vmContext)
	i.at.step = finding.StepStart
	if i.exported(envoy.ExportInitialize) == nil {
		return i.run(ctx, vmContext, envoy.ExportStart)
	}
	if err := i.run(ctx, vmContext, envoy.ExportInitialize); err != nil {
		return err
	}
	if i.exported(envoy.ExportMain) != nil {
		return i.run(ctx, vmContext, envoy.ExportMain, 0, 0)
	}
	knowing := i.targets.since(envoy.MainVoidSince)
	if knowing == nil {
		return nil
	}
	i.targets.calling = knowing
	err := i.run(ctx, vmContext, envoy.ExportMainVoid)
	i.targets.calling = nil
	if p := i.at.problem(err); p != nil && p.Code != finding.CodeRestrictedCallback {
		p.Versions = knowing
		return p
	}
	return err
}

// begin runs the steps of Envoy for the first plugin of a VM.
func begin(ctx context.Context, i *instance) error {
	i.contexts.addRoot(rootContext)
	i.at.step = finding.StepVMStart
	if err := i.run(ctx, rootContext, envoy.CallbackContextCreate, rootContext, 0); err != nil {
		return err
	}
	if err := ask(ctx, i, "proxy_on_vm_start", i.config.VMConfig, finding.CodeVMStartRefused,
		"proxy_on_vm_start returned false: the filter does not take its VM configuration"); err != nil {
		return err
	}
	i.at.step = finding.StepConfigure
	if err := ask(ctx, i, "proxy_on_configure", i.config.PluginConfig, finding.CodeConfigureRefused,
		"proxy_on_configure returned false: the filter does not take its configuration"); err != nil {
		return err
	}
	i.at.step = finding.StepStream
	return nil
}

// ask runs a callback that takes a configuration. If the callback returns false, the error is a
// problem with the module's last log lines about it.
func ask(ctx context.Context, i *instance, name string, config *string, code, message string) error {
	ok, ran, err := i.callback(ctx, rootContext, name, rootContext, uint64(len(configBytes(config))))
	if err == nil {
		err = i.actions.run(ctx)
	}
	if err != nil {
		return err
	}
	if ran && ok == 0 {
		return &finding.Problem{Step: i.at.step, Code: code, Message: message, Detail: i.logs.detail()}
	}
	return nil
}
