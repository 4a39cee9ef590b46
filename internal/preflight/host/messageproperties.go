package host

import (
	"strings"
)

// exchangeProperty returns a property that follows from the message itself.
func exchangeProperty(x *exchange, parts []string) (string, bool) {
	half := &x.request
	switch parts[0] {
	case "request":
	case "response":
		half = &x.response
	default:
		return "", false
	}
	headers, trailers := half.shownHeaders(), half.shownTrailers()
	if x.logging {
		headers, trailers = half.headers, half.trailers
	}
	if len(parts) == 2 {
		switch {
		case parts[1] == "headers":
			return allHeaders(headers), true
		case parts[1] == "trailers" && parts[0] == "response":
			return allHeaders(trailers), true
		}
	}
	if !half.begun() || len(parts) < 2 {
		return "", false
	}
	switch {
	case parts[1] == "headers":
		return headerProperty(headers, parts)
	case parts[1] == "trailers":
		return headerProperty(trailers, parts)
	case parts[0] == "response" && parts[1] == "code":
		return Lookup(*half.headers, ":status")
	case parts[0] == "request" && headers != nil:
		return requestProperty(*headers, parts[1])
	default:
		return "", false
	}
}

func headerProperty(headers *[]Header, parts []string) (string, bool) {
	if headers == nil || len(parts) != 3 {
		return "", false
	}
	return Lookup(*headers, parts[2])
}

func requestProperty(headers []Header, name string) (string, bool) {
	of := map[string]string{
		"path": ":path", "host": ":authority", "scheme": ":scheme", "method": ":method",
		"referer": "referer", "useragent": "user-agent", "id": "x-request-id",
	}
	if header, ok := of[name]; ok {
		return Lookup(headers, header)
	}
	path, _ := Lookup(headers, ":path")
	before, query, _ := strings.Cut(path, "?")
	switch name {
	case "url_path":
		return before, true
	case "query":
		return query, true
	default:
		return "", false
	}
}
