package admin

// The paths of the API. The paths of a filter end with its name, or with its name and a tail.
const (
	apiRoot      = "/api/v1/"
	openAPIPath  = apiRoot + "openapi.json"
	filtersRoot  = apiRoot + "filters/"
	rollbackTail = "/rollback"
	retryTail    = "/retry"
	promoteTail  = "/promote"
	forgetTail   = "/forget"
	historyTail  = "/history"
)
