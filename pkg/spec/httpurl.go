package spec

import (
	"fmt"
	"net/url"
)

// maxURL is the size of the longest URL, in bytes.
const maxURL = 8 << 10

// notHTTP is the reason of parseHTTP for a URL of another scheme.
const notHTTP = "must begin with http:// or https://"

// parseHTTP parses an http or https URL, and says why a text is none; "": it is one. The reason
// does not quote the URL, which may hold credentials.
func parseHTTP(text string) (parsed *url.URL, problem string) {
	parsed, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		return nil, fmt.Sprintf("is longer than %d characters", maxURL)
	case err != nil:
		return nil, "is not a URL"
	case parsed.Scheme != "http" && parsed.Scheme != "https":
		return nil, notHTTP
	case parsed.Hostname() == "":
		return nil, "has no host"
	default:
		return parsed, ""
	}
}
