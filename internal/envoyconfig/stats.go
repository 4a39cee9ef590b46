package envoyconfig

import (
	"regexp"
	"strings"
)

// The types of the messages with which Envoy reports.
const (
	typeMetricsService = "envoy.config.metrics.v3.MetricsServiceConfig"
	typeGRPCAccessLog  = "envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig"
)

// Reporting is a stats sink or an access log that sends to a gRPC service.
type Reporting struct {
	Node    *Node  // the item of stats_sinks or access_log
	Config  *Node  // its typed_config
	Cluster string // ""; the service is no cluster
}

// MetricsSinks returns the stats sinks that send to a metrics service.
func (c *Config) MetricsSinks() []Reporting {
	return reporting(c.Bootstrap.All("stats_sinks"), typeMetricsService, "grpc_service")
}

// AccessLogs returns the access logs of an HTTP connection manager that send to an access log
// service.
func (f *Filter) AccessLogs() []Reporting {
	return reporting(f.Node.Get("typed_config").All("access_log"), typeGRPCAccessLog, "common_config", "grpc_service")
}

func reporting(items []*Node, of string, service ...string) (all []Reporting) {
	for _, item := range items {
		config := item.Get("typed_config")
		if !strings.HasSuffix(config.Scalar("@type"), "/"+of) {
			continue
		}
		cluster := config.Get(service...).Scalar("envoy_grpc", "cluster_name")
		all = append(all, Reporting{Node: item, Config: config, Cluster: cluster})
	}
	return all
}

// MakesStat says whether Envoy makes a stat of that name, by its stats_matcher. at is the matcher;
// nil: there is none.
func (c *Config) MakesStat(name string) (makes bool, at *Node) {
	m := c.Bootstrap.Get("stats_config", "stats_matcher")
	switch {
	case m == nil:
		return true, nil
	case m.Scalar("reject_all") == "true":
		return false, m
	case m.Has("inclusion_list"):
		return matchesAny(m.Get("inclusion_list").All("patterns"), name), m
	case m.Has("exclusion_list"):
		return !matchesAny(m.Get("exclusion_list").All("patterns"), name), m
	default:
		return true, m
	}
}

// matchesAny says whether one of several string matchers takes a name. A matcher of an unknown form
// takes every name.
func matchesAny(patterns []*Node, name string) bool {
	for _, p := range patterns {
		text, ignoreCase := name, p.Scalar("ignore_case") == "true"
		fold := func(s string) string {
			if ignoreCase {
				return strings.ToLower(s)
			}
			return s
		}
		text = fold(text)
		switch {
		case p.Has("exact"):
			if text == fold(p.Scalar("exact")) {
				return true
			}
		case p.Has("prefix"):
			if strings.HasPrefix(text, fold(p.Scalar("prefix"))) {
				return true
			}
		case p.Has("suffix"):
			if strings.HasSuffix(text, fold(p.Scalar("suffix"))) {
				return true
			}
		case p.Has("contains"):
			if strings.Contains(text, fold(p.Scalar("contains"))) {
				return true
			}
		case p.Has("safe_regex"):
			r, err := regexp.Compile("^(?:" + p.Scalar("safe_regex", "regex") + ")$")
			if err != nil || r.MatchString(name) {
				return true
			}
		default:
			return true
		}
	}
	return false
}
