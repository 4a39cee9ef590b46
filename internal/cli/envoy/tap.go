package envoy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/kit/recording"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// tapFailure is the failure of a recording.
func (a admin) tapFailure(message string) error {
	return command.Failure("tap_failed", "Envoy's admin at "+a.address+" "+message, "another recording may run: Envoy has one at a time")
}

// tapRequest is the body of POST /tap.
func tapRequest() ([]byte, error) {
	return json.Marshal(map[string]any{"config_id": recording.ConfigID, "tap_config": map[string]any{
		"match": map[string]any{"any_match": true},
		"output_config": map[string]any{
			"streaming": true, "max_buffered_rx_bytes": recording.MostBody, "max_buffered_tx_bytes": recording.MostBody,
			"sinks": []any{map[string]any{"format": "JSON_BODY_AS_BYTES", "streaming_admin": map[string]any{}}},
		},
	}})
}

// tap begins the recording. The caller closes the answer, which ends the recording. nil: ctx has
// ended before.
func (a admin) tap(ctx context.Context) (io.ReadCloser, error) {
	body, err := tapRequest()
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+"/tap", bytes.NewReader(body))
	if err != nil {
		return nil, a.tapFailure("cannot be asked: " + reason.Of(err))
	}
	response, err := a.client.Do(request)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, nil // no request has come, and no header of the answer
	case err != nil:
		return nil, a.tapFailure("does not answer: " + reason.Of(err))
	case response.StatusCode != http.StatusOK:
		defer response.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10)) // the status is told anyway
		return nil, a.tapFailure("refuses the recording: " + terminal.Printable(strings.TrimSpace(string(text))))
	}
	return response.Body, nil
}

// segments reads the answer of a tap.
type segments struct {
	texts chan json.RawMessage
	err   error // after the end of texts
}

// readSegments reads until the answer ends or is closed, or ctx ends.
func readSegments(ctx context.Context, answer io.Reader) *segments {
	s := &segments{texts: make(chan json.RawMessage)}
	go func() {
		defer close(s.texts)
		for decoder := json.NewDecoder(answer); ; {
			var text json.RawMessage
			if s.err = decoder.Decode(&text); s.err != nil {
				return
			}
			select {
			case s.texts <- text:
			case <-ctx.Done():
				return
			}
		}
	}()
	return s
}

// often is the time between two looks for finished streams.
const often = 100 * time.Millisecond

// record gives each exchange to take, until take returns false or ctx ends. begun is called when
// Envoy has begun the recording. The streams are those without an exchange.
func (a admin) record(ctx context.Context, take func(recording.Exchange) (more bool), begun func()) (streams *recording.Streams, err error) {
	streams = &recording.Streams{}
	answer, err := a.tap(ctx)
	if answer == nil {
		return streams, err
	}
	reading, cancel := context.WithCancel(ctx)
	from := readSegments(reading, answer)
	defer func() {
		cancel()
		_ = answer.Close() // the end of the recording
		for range from.texts {
		}
	}()
	begun()
	look := time.NewTicker(often)
	defer look.Stop()
	for {
		select {
		case text, more := <-from.texts:
			if !more {
				takeAll(streams.Due(time.Now()), take)
				if ctx.Err() != nil {
					return streams, nil
				}
				return streams, a.ended(from.err)
			}
			if err := streams.Take(text, time.Now()); err != nil {
				return streams, a.tapFailure("sends an unknown segment: " + err.Error())
			}
		case now := <-look.C:
			if !takeAll(streams.Due(now.Add(-recording.Quiet)), take) {
				return streams, nil
			}
		case <-ctx.Done():
			takeAll(streams.Due(time.Now()), take)
			return streams, nil
		}
	}
}

func takeAll(all []recording.Exchange, take func(recording.Exchange) bool) (more bool) {
	for _, e := range all {
		if !take(e) {
			return false
		}
	}
	return true
}

// ended is the failure of a recording that Envoy has ended.
func (a admin) ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return a.tapFailure("has ended the recording")
	}
	return a.tapFailure(fmt.Sprintf("sends something else than JSON: %s", reason.Of(err)))
}
