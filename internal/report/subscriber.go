package report

import (
	"fmt"
	"strconv"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// subscriber is a filter on a stream.
func subscriber(v *View, name string, s delivery.SubscriberStatus) api.Subscriber {
	out := api.Subscriber{
		Node: s.Node.ID, Cluster: s.Node.Cluster, Identity: s.Node.Identity, Address: s.Node.Address,
		Stream: strconv.FormatUint(uint64(s.Stream), 10), Envoy: s.Node.Version,
		State: api.SubscriberState(s.State.String()), Revision: s.Revision, Variant: s.Variant.String(),
		Error: problem(s.Problem), Warnings: lossWarnings(s), Since: s.Since,
	}
	if s.Serving == delivery.ServingDeny || s.Serving == delivery.ServingPassthrough {
		out.Variant = s.Serving.String()
	}
	if s.Problem != nil && s.Problem.Code == delivery.CodeUnknownFilter {
		out.Error = unknownName(v, name)
	}
	return out
}

// lossWarnings are the losses that the spec accepts. The subscriber's error tells of other losses.
func lossWarnings(s delivery.SubscriberStatus) []*api.Error {
	warnings := []*api.Error{}
	if s.Problem != nil && s.Problem.Code == delivery.CodeEnvoyTooOld && s.Problem.Revision == s.Revision {
		return warnings
	}
	for _, l := range s.Losses {
		warnings = append(warnings, &api.Error{
			Code: api.CodeSettingLost, Message: fmt.Sprintf("Envoy %s ignores a setting: %s", s.Node.Version, l),
			Hint: "the spec accepts that with `acceptLoss`; upgrade that Envoy to have the setting work",
		})
	}
	return warnings
}
