package identity

import "fmt"

// Claim names a part of a claim, as metrics do.
type Claim string

// The parts of a claim.
const (
	ClaimNode    Claim = "node"
	ClaimCluster Claim = "cluster"
	ClaimFilter  Claim = "filter"
	ClaimModule  Claim = "module"
)

// Refusal is the reason against the claim of a client to be an Envoy, or against the request for a
// filter or module.
type Refusal struct {
	Claim   Claim
	Message string
	Hint    string
}

// String has the message and the next step.
func (r *Refusal) String() string { return r.Message + " (" + r.Hint + ")" }

func clusterRefusal(c Certificate, node, cluster string) *Refusal {
	return &Refusal{
		Claim:   ClaimCluster,
		Message: fmt.Sprintf("node id %s is not in the cluster %q for a client with the certificate of %s", Brief(node), Brief(cluster), c),
		Hint:    "set node.cluster in its bootstrap as its rule has it, or add the cluster to `clusters` of the rule",
	}
}

// RefuseFilter is the refusal of a filter outside the client's grant.
func RefuseFilter(c Certificate, filter string) *Refusal {
	return &Refusal{
		Claim:   ClaimFilter,
		Message: fmt.Sprintf("filter %s is not for a client with the certificate of %s", Brief(filter), c),
		Hint:    "add the filter to `filters` of its rule, or take the filter out of its configuration",
	}
}

// RefuseModule is the refusal of a module outside the client's filters.
func RefuseModule(c Certificate, sha256 string) *Refusal {
	return &Refusal{
		Claim:   ClaimModule,
		Message: fmt.Sprintf("no filter with the module %s is served to a client with the certificate of %s", Brief(sha256), c),
		Hint:    "its certificate has the same names on the modules port as on the xDS port, where it asks for the filter first",
	}
}

// RefuseChange is the refusal of a stream with another node in a later request.
func RefuseChange(c Certificate, first, id, cluster string) *Refusal {
	return &Refusal{
		Claim: ClaimNode,
		Message: fmt.Sprintf("a later request on the stream of node id %s names node id %s in the cluster %s, for a client with the certificate of %s",
			Brief(first), Brief(id), Brief(cluster), c),
		Hint: "open a stream for each node",
	}
}
