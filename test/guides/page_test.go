package guides_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/test/guides"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBlocks(t *testing.T) {
	const page = "# Title\n\n- item\n    - sub\n\n<!-- until: live -->\n```sh\na\nb\n```\n\n```yaml\nc: d\n```\n"
	blocks, err := guides.Blocks(page)
	if err != nil || len(blocks) != 2 {
		t.Fatalf("%+v, %v", blocks, err)
	}
	if first := blocks[0]; first != (guides.Block{Line: 7, Language: "sh", Text: "a\nb\n", Treatment: "until", Detail: "live"}) {
		t.Errorf("%+v", first)
	}
	if second := blocks[1]; second.Treatment != "" || second.Language != "yaml" {
		t.Errorf("%+v", second)
	}
	for _, broken := range []string{"```sh\na\n", "text\n\n    indented code\n", "<!-- mistyped: x -->\n```sh\n```\n"} {
		if blocks, err := guides.Blocks(broken); err == nil {
			t.Errorf("%q: %+v", broken, blocks)
		}
	}
}
