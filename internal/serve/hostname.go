package serve

import "os"

// hostname is the name of the machine; "": not known.
func hostname() string {
	host, err := os.Hostname()
	if err != nil {
		return ""
	}
	return host
}
