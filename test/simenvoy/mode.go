package simenvoy

import "strings"

// Mode is the xDS protocol variant of an Envoy.
type Mode string

// The modes. ADS has one stream for all names. ECDS has a stream for each name.
const (
	ADSDelta  Mode = "ads-delta"
	ADSSotW   Mode = "ads-sotw"
	ECDSDelta Mode = "ecds-delta" // all streams on one connection
	ECDSSotW  Mode = "ecds-sotw"
)

// Modes returns all modes.
func Modes() []Mode { return []Mode{ADSDelta, ADSSotW, ECDSDelta, ECDSSotW} }

func (m Mode) ads() bool   { return strings.HasPrefix(string(m), "ads") }
func (m Mode) delta() bool { return strings.HasSuffix(string(m), "delta") }

func (m Mode) method() string {
	switch m {
	case ADSSotW:
		return "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"
	case ECDSDelta:
		return "/envoy.service.extension.v3.ExtensionConfigDiscoveryService/DeltaExtensionConfigs"
	case ECDSSotW:
		return "/envoy.service.extension.v3.ExtensionConfigDiscoveryService/StreamExtensionConfigs"
	default:
		return "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
	}
}
