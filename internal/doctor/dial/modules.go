package dial

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// anyModule is the path of a module missing on every server.
const anyModule = "/modules/0000000000000000000000000000000000000000000000000000000000000000.wasm"

// mostHeader bounds the answer of a module server, in bytes.
const mostHeader = 64 << 10

// askModules asks the module server for a missing module.
func (t target) askModules(ctx context.Context) *problem {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	conn, p := t.open(ctx)
	if p != nil {
		return p
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(askTimeout)) // a connection of this package always has deadlines
	answer, err := head(ctx, conn)
	const hint = "name the address of wasm-xds serve --modules-address; xDS and the API have other ports"
	switch {
	case err != nil && strings.Contains(err.Error(), "remote error: tls"):
		return refusedByServer(err.Error())
	case t.tls == nil && (err != nil || answer.status == http.StatusBadRequest) && t.speaksTLS(ctx):
		return &problem{"server_has_tls", "speaks TLS, and the cluster does not", "give the cluster a transport_socket, as wasm-xds bootstrap --tls-ca-file does"}
	case err != nil:
		if alert := t.refused(ctx); alert != "" {
			return refusedByServer(alert)
		}
		return &problem{"not_modules", "does not answer HTTP: " + err.Error(), hint}
	case answer.status != http.StatusNotFound || answer.header.Get("X-Content-Type-Options") == "":
		return &problem{"not_modules", fmt.Sprintf("is no module server: it answers %d %s", answer.status, http.StatusText(answer.status)), hint}
	}
	return nil
}

// answer is the beginning of an answer of HTTP.
type answer struct {
	status int
	header http.Header
}

// head sends a HEAD. An [http.Client] would log the bytes of a server with another protocol.
func head(ctx context.Context, conn io.ReadWriter) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, "http://modules"+anyModule, nil)
	if err != nil {
		return answer{}, err
	}
	request.Close = true
	if err := request.Write(conn); err != nil {
		return answer{}, err
	}
	response, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, mostHeader)), request)
	if err != nil {
		return answer{}, err
	}
	_ = response.Body.Close() // the answer to a HEAD has no body
	return answer{response.StatusCode, response.Header}, nil
}
