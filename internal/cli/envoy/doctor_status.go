package envoy

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/connect"
	"github.com/wasm-xds/wasm-xds/internal/doctor"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// statusTimeout bounds the questions to the API of the control plane.
const statusTimeout = 10 * time.Second

// status is the answer of a control plane.
type status struct {
	filters []api.Filter
	nodes   []api.Node
}

// status asks the control plane, if a flag has doctor look at it. A control plane that the user has
// named and that does not answer is a finding. nil: nothing is known.
func (o *doctorFlags) status(c *cobra.Command, all *doctor.Report) *status {
	named := c.Flags().Changed("admin-address")
	if o.server == "" && o.envoy == "" && !named {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.Context(), statusTimeout)
	defer cancel()
	s := &status{}
	client, err := connect.Client(c)
	if err == nil {
		s.filters, err = client.Filters(ctx)
	}
	if err == nil {
		s.nodes, err = client.Nodes(ctx, "")
	}
	switch {
	case err == nil:
		return s
	case named:
		all.Findings = append(all.Findings, envoyconfig.Finding{
			Code: "status_unknown", Severity: envoyconfig.SeverityError,
			Message: "the control plane's status cannot be asked: " + err.Error(), Hint: "name the API with --admin-address, or with a context",
		})
	default:
		all.Notes = append(all.Notes, "the control plane's status cannot be asked, so nothing is compared with it (--admin-address): "+err.Error())
	}
	return nil
}

// specs are the specs that the filters come from, as far as the status has them.
func (s *status) specs() []*spec.Spec {
	var all []*spec.Spec
	for _, f := range s.filters {
		if f.State == api.FilterUnknown || f.State == api.FilterRemoved || f.SpecFile == "" {
			continue
		}
		all = append(all, &spec.Spec{
			Name: f.Name, Type: spec.Type(f.Type), Delivery: spec.Delivery(f.Delivery), File: f.SpecFile, Disabled: f.Disabled,
		})
	}
	return all
}
