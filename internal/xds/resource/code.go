package resource

import (
	"fmt"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

// Modules returns a module's verified bytes by sha256.
type Modules interface {
	Read(sha256 string) ([]byte, error)
}

// Addresses say where Envoys find modules.
type Addresses struct {
	ModulesURL     string        // base of the module server's URL for Envoys: http://127.0.0.1:18001
	ModulesCluster string        // the Envoy cluster of the module server
	ModulesDir     string        // for files: the path of the module store for Envoys
	FetchTimeout   time.Duration // of Envoy's GET; 0: translate's default
}

// codeOf is the code of a send's resource. Inline code may be read from modules.
func codeOf(a delivery.Send, at Addresses, modules Modules) (translate.Code, error) {
	sum := a.Revision.Module.SHA256
	code := translate.Code{Variant: a.Version.Variant}
	switch a.Version.Variant {
	case delivery.Remote:
		code.URL = strings.TrimSuffix(at.ModulesURL, "/") + "/modules/" + sum + ".wasm"
		code.Cluster, code.Timeout = at.ModulesCluster, at.FetchTimeout
	case delivery.File:
		code.Path = strings.TrimSuffix(at.ModulesDir, "/") + "/" + sum + ".wasm"
	default:
		if code.Bytes = a.Revision.Code; code.Bytes != nil {
			return code, nil
		}
		bytes, err := modules.Read(sum)
		if err != nil {
			return code, fmt.Errorf("read module %s: %w", sum, err)
		}
		code.Bytes = bytes
	}
	return code, nil
}

// envoyVersion is the version of the Envoy that gets a send.
func envoyVersion(a delivery.Send) translate.Version {
	v, _ := translate.ParseVersion(a.Envoy)
	return v
}
