package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Replacement replaces a piece of the product's source when the server is built. The product's own
// files stay unchanged.
type Replacement struct{ File, Old, New string }

// Bug is a fault in the server, planted for a run to find.
type Bug struct {
	Name  string
	What  string // the effect on Envoys
	Plant []Replacement
}

// Planted are the bugs that a run has to find.
func Planted() []Bug {
	return []Bug{
		{
			Name: "nonce-ignored",
			What: "whatever comes on a stream is taken for the answer to the oldest response on it",
			Plant: []Replacement{{
				"internal/xds/response.go", `return u.nonce != "" && u.nonce == nonce`, `return u.nonce != ""`,
			}},
		},
		{
			Name: "pause-without-end",
			What: "a canary that was lost is waited for, and nothing ends the wait",
			Plant: []Replacement{{
				"internal/delivery/config.go", "c.CanaryPause = cmp.Or(c.CanaryPause, 30*time.Second)", "c.CanaryPause = 1000 * time.Hour",
			}, {
				"internal/delivery/canary.go", "u.suspect(r).IsAwaited(now) &&", "u.suspect(r).Is() && false &&",
			}},
		},
		{
			Name: "page-revision",
			What: "the page shows the revision of the filter beside each Envoy",
			Plant: []Replacement{{
				"internal/admin/page/subscribers.js", "[code(first(s.revision))", "[code(first(f.revision))",
			}},
		},
		{
			Name: "salt-reused",
			What: "bytes that an Envoy has refused are sent again",
			Plant: []Replacement{{
				"internal/delivery/salts.go", "ok && v.Variant != Remote {", "ok {",
			}, {
				"internal/delivery/salts.go", "	s.make(content{v.Revision, v.Variant})", "	_ = v",
			}},
		},
	}
}

// planted returns the sources with the bug, by their path below the tree.
func planted(tree string, bug Bug) (map[string]string, error) {
	sources := map[string]string{}
	for _, r := range bug.Plant {
		text, ok := sources[r.File]
		if !ok {
			original, err := os.ReadFile(filepath.Join(tree, r.File))
			if err != nil {
				return nil, err
			}
			text = string(original)
		}
		if n := strings.Count(text, r.Old); n != 1 {
			return nil, fmt.Errorf("%s: %s has %q %d times: plant the bug elsewhere", bug.Name, r.File, r.Old, n)
		}
		sources[r.File] = strings.Replace(text, r.Old, r.New, 1)
	}
	return sources, nil
}
