package e2e_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// echoing is a server that answers with the request, credentials included.
func echoing(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		echo := fmt.Sprintf("%s %s %s:%s %v", r.Method, r.URL, user, password, r.Header)
		w.Header().Set("X-Echo", strings.Map(func(c rune) rune {
			if c < ' ' {
				return ' '
			}
			return c
		}, echo))
		switch {
		case strings.HasPrefix(r.URL.Path, "/redirect"):
			http.Redirect(w, r, "http://user:"+canary("REDIRECT")+"@127.0.0.1:1/x.wasm?sig="+canary("REDIRECTQUERY"), http.StatusFound)
		case strings.HasPrefix(r.URL.Path, "/token"):
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"details": %q, "errors": [{"code": "UNAUTHORIZED", "message": %q}]}`, echo, echo)
		case strings.HasPrefix(r.URL.Path, "/v2/bearer") && r.Header.Get("Authorization") == "":
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="%s"`, r.Host, canary("SERVICE")))
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasPrefix(r.URL.Path, "/v2/") && user == "":
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasPrefix(r.URL.Path, "/v2/"):
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"errors": [{"code": "DENIED", "message": %q, "detail": %q}]}`, "no access for "+echo, echo)
		default:
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, echo)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// goodSpecs are filters that load.
func (c *canaries) goodSpecs() {
	harness.WriteFilter(c.t, c.dir, auth, testfilter.HTTP{Stamp: "v1", RequireToken: true}.Module(), fmt.Sprintf(`
config: {password: %s, nested: [{deep: {er: %s}}], pin: 4711471147114711}
vm:
  config: {vmpassword: %s}
  env: {KEY: %s}
tests:
- name: with its token
  request: {headers: {token: "ok", authorization: "Bearer %s"}}
  expect: {response: {status: 200}}
`, canary("JSON"), canary("NESTED"), canary("VMCONFIG"), canary("ENV"), canary("TESTHEADER")))
	harness.WriteFilter(c.t, c.dir, "text", testfilter.HTTP{Stamp: "v1"}.Module(), fmt.Sprintf("config: |\n  password = %s\n", canary("TEXT")))
	harness.WriteFilter(c.t, c.dir, "object", testfilter.HTTP{Stamp: "v1"}.Module(), fmt.Sprintf("configType: struct\nconfig: {password: %s}\n", canary("STRUCT")))
	c.file("from.json", `{"password":"`+canary("FROM")+`"}`)
	harness.WriteFilter(c.t, c.dir, "from", testfilter.HTTP{Stamp: "v1"}.Module(), "configFrom: {file: ./from.json}\n")
}

// badSpecs are specs with a fault near each secret.
func (c *canaries) badSpecs(web *httptest.Server) {
	host := strings.TrimPrefix(web.URL, "http://")
	sum := harness.SHA256(authModule("never"))
	harness.WriteFilter(c.t, c.dir, "logs", testfilter.LogsSecrets(), fmt.Sprintf("config: {password: %s}\nvm: {env: {KEY: %s}, hostEnv: [HOST_TOKEN]}\n", canary("LOGGEDCONFIG"), canary("LOGGEDENV")))
	harness.WriteFilter(c.t, c.dir, "fails", testfilter.HTTP{RequireToken: true, EchoConfig: true}.Module(), fmt.Sprintf(`
config: %s
tests:
- name: fails
  request: {headers: {token: "%s"}}
  expect: {response: {status: 200, headers: {x-config: other, token: "%s"}}}
`, canary("ECHOEDCONFIG"), canary("FAILINGHEADER"), canary("FAILINGHEADER")))
	c.file("pull.txt", "user:"+canary("PULLSECRET"))
	c.file("pull.json", fmt.Sprintf(`{"auths": {"elsewhere.example": {"auth": %q}, "x": {"auth": "%s"}}}`,
		base64.StdEncoding.EncodeToString([]byte("user:"+canary("DOCKERAUTH"))), canary("DOCKERBROKEN")))
	c.file("broken.json", `{"auths": {"`+host+`": {"auth": "`+canary("BROKENJSON")+`"`)
	c.file("cosign.key", "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"+canary("COSIGN")+"\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n")
	c.file("notobject.json", `["`+canary("NOTOBJECT")+`"]`)
	module := "module: {file: ./auth.wasm}\n"
	secret := func(place string) string { return canary("BAD" + place) }
	for name, text := range map[string]string{
		"url":        fmt.Sprintf("module: {url: \"http://user:%s@%s/x.wasm?sig=%s\", sha256: %s}\n", canary("USERINFO"), host, canary("QUERY"), sum),
		"redirected": fmt.Sprintf("module: {url: \"http://%s/redirect?sig=%s\", sha256: %s}\n", host, canary("QUERYOFREDIRECT"), sum),
		"refused":    fmt.Sprintf("module: {url: \"http://user:%s@127.0.0.1:1/x.wasm?sig=%s\", sha256: %s}\n", canary("USERINFO2"), canary("QUERY2"), sum),
		"proxied":    fmt.Sprintf("module: {url: \"https://user:%s@wasm.example/x.wasm?sig=%s\", sha256: %s}\n", canary("USERINFO3"), canary("QUERY3"), sum),
		"basic":      fmt.Sprintf("module: {oci: \"%s/basic:1\", pullSecret: ./pull.txt}\n", host),
		"bearer":     fmt.Sprintf("module: {oci: \"%s/bearer:1\", pullSecret: ./pull.txt}\n", host),
		"docker":     fmt.Sprintf("module: {oci: \"%s/docker:1\"}\n", host),
		"without":    fmt.Sprintf("module: {oci: \"%s/docker:1\", pullSecret: ./pull.json}\n", host),
		"brokenpull": fmt.Sprintf("module: {oci: \"%s/docker:1\", pullSecret: ./broken.json}\n", host),
		"privatekey": "module: {file: ./auth.wasm, verify: {keys: [./cosign.key]}}\n",
		"notobject":  module + "configType: struct\nconfigFrom: {file: ./notobject.json}\n",

		"number":    module + "config: {pin: 0" + "123, password: " + secret("NUMBER") + "}\n",
		"infinite":  module + "config: {password: " + secret("INF") + ", a: .inf}\n",
		"twice":     module + "config: {password: " + secret("ONE") + ", password: " + secret("TWO") + "}\n",
		"open":      module + "config: {password: \"" + secret("OPEN") + "\n",
		"colon":     module + "config: password: " + secret("COLON") + "\n",
		"tab":       module + "config:\n\tpassword: " + secret("TAB") + "\n",
		"alias":     module + "config: {password: *" + secret("ALIAS") + "}\n",
		"anchor":    module + "config: {password: &" + secret("ANCHOR") + "}\n",
		"tag":       module + "config: {password: !" + secret("TAG") + " x}\n",
		"int":       module + "config: {password: !!int " + secret("INT") + "}\n",
		"binary":    module + "config: {password: !!binary " + secret("BINARY") + "}\n",
		"brace":     module + "config: {password: " + secret("BRACE") + "}}\n",
		"escape":    module + "config: {password: \"\\q" + secret("ESCAPE") + "\"}\n",
		"list":      module + "vm: {env: {KEY: [" + secret("LIST") + "]}}\n",
		"envmap":    module + "vm: {env: [" + secret("ENVLIST") + "]}\n",
		"envtext":   module + "vm: {env: KEY=" + secret("ENVTEXT") + "}\n",
		"envname":   module + "vm: {env: {\"KEY=" + secret("ENVNAME") + "\": x}}\n",
		"envnul":    module + "vm: {env: {KEY: \"" + secret("NUL") + "\\0\"}}\n",
		"envtwice":  module + "vm: {env: {KEY: " + secret("ENVTWICE") + "}, hostEnv: [KEY]}\n",
		"hostenv":   module + "vm: {hostEnv: [\"KEY=" + secret("HOSTENV") + "\"]}\n",
		"wrongurl":  "module: {url: \"ftp://user:" + secret("FTP") + "@host/x\", sha256: " + sum + "}\n",
		"notaurl":   "module: {url: \"http://user:" + secret("NOTAURL") + "@ho st/%zz\", sha256: " + sum + "}\n",
		"nosum":     "module: {url: \"http://user:" + secret("NOSUM") + "@host/x?sig=" + secret("NOSUMQ") + "\"}\n",
		"ociuser":   "module: {oci: \"user:" + secret("OCIUSER") + "@host/x:1\"}\n",
		"ocihttps":  "module: {oci: \"https://user:" + secret("OCIHTTPS") + "@host/x:1\"}\n",
		"both":      module + "config: " + secret("BOTH") + "\nconfigFrom: {file: ./from.json}\n",
		"typed":     module + "config: {\"@type\": type.googleapis.com/google.protobuf.Int32Value, value: " + secret("TYPED") + "}\n",
		"typedlist": module + "config: {\"@type\": type.googleapis.com/google.protobuf.StringValue, value: [" + secret("TYPEDLIST") + "]}\n",
		"structed":  module + "configType: struct\nconfig: [" + secret("STRUCTED") + "]\n",
		"header":    module + "tests: [{name: a, request: {headers: {token: {" + secret("HEADER") + ": x}}}, expect: {response: {status: 200}}}]\n",
		"headernl":  module + "tests: [{name: a, request: {headers: {token: \"" + secret("HEADERNL") + "\\n\"}}, expect: {response: {status: 200}}}]\n",
		"surrogate": module + "config: {password: \"\\ud800" + secret("SURROGATE") + "\"}\n",
		"large":     module + "configType: struct\nconfig: {password: " + secret("LARGE") + ", n: 12345678901234567890123}\n",
		"second":    "--- \n" + module + "config: " + secret("SECOND") + "\n---\n" + module + "config: " + secret("SECOND2") + "\n",
	} {
		c.file("bad/"+name+".yaml", strings.ReplaceAll(text, "./", "../"))
	}
}
