package simenvoy

import (
	_ "embed"
	"strings"
	"sync"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/structpb"
)

// extensionsText lists the extensions of Envoy 1.40.0, one a line: category, name and type URLs.
//
//go:embed extensions.txt
//go:embed extensions.txt
var extensionsText string

var extensions = sync.OnceValue(func() []*corev3.Extension {
	var all []*corev3.Extension
	for line := range strings.Lines(extensionsText) {
		words := strings.Fields(line)
		e := &corev3.Extension{Category: words[0], Name: words[1]}
		if len(words) > 2 {
			e.TypeUrls = words[2:]
		}
		all = append(all, e)
	}
	return all
})

// NewNode returns the node of Envoy 1.40.0. All nodes share the list of extensions. To change the
// list of a node, replace the list.
func NewNode(id, cluster string) *corev3.Node {
	return &corev3.Node{
		Id: id, Cluster: cluster, UserAgentName: "envoy",
		UserAgentVersionType: &corev3.Node_UserAgentBuildVersion{UserAgentBuildVersion: &corev3.BuildVersion{
			Version: &typev3.SemanticVersion{MajorNumber: 1, MinorNumber: 40},
			Metadata: &structpb.Struct{Fields: map[string]*structpb.Value{
				"build.type":      structpb.NewStringValue("RELEASE"),
				"revision.sha":    structpb.NewStringValue("9e5580933739775e8bce696a57a2e1bc99368f23"),
				"revision.status": structpb.NewStringValue("Clean"),
				"ssl.version":     structpb.NewStringValue("BoringSSL"),
			}},
		}},
		Extensions: extensions(),
	}
}
