package admin

import "strings"

// The paths of the API. The paths of a filter end with its name, or with its name and a tail.
const (
	apiRoot      = "/api/v1/"
	syncPath     = apiRoot + "sync"
	openAPIPath  = apiRoot + "openapi.json"
	filtersRoot  = apiRoot + "filters/"
	rollbackTail = "/rollback"
	retryTail    = "/retry"
	promoteTail  = "/promote"
	unpinTail    = "/unpin"
	steerTail    = "/rollout/"
	freezePath   = apiRoot + "freeze"
	webhookTest  = apiRoot + "webhooks/test"
	forgetTail   = "/forget"
	figuresTail  = "/figures"
	historyTail  = "/history"
	diffTail     = "/diff"
	contentTail  = "/content"
)

// changeAt returns the filter and the change in a path below filtersRoot. action is "" if the path
// names none.
func changeAt(path string) (filter, action string) {
	for _, action := range []string{"pause", "resume", "promote", "abort"} {
		if name, found := strings.CutSuffix(path, steerTail+action); found {
			return name, action
		}
	}
	for _, tail := range []string{rollbackTail, forgetTail, retryTail, promoteTail, unpinTail} {
		if name, found := strings.CutSuffix(path, tail); found {
			return name, tail[1:]
		}
	}
	return "", ""
}
