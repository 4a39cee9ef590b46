// Command extras writes the manual pages, the completions and the licenses of a release into a
// directory. The pages have the date of the release, in seconds since 1970.
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/wasm-xds/wasm-xds/test/packaging"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "extras:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	const wanted = 3
	if len(args) != wanted {
		return errors.New("usage: extras DIRECTORY REPOSITORY SECONDS")
	}
	seconds, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return fmt.Errorf("SECONDS: %w", err)
	}
	return packaging.WriteExtras(args[0], args[1], time.Unix(seconds, 0).UTC())
}
