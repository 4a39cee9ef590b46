package api

import "time"

// WebhookMessage is the body of a request to a webhook.
type WebhookMessage struct {
	// ID is the same in every try, and in no other message. The header webhook-id has it, too.
	ID        string        `json:"id"`
	Type      EventType     `json:"type"`
	Timestamp time.Time     `json:"timestamp"` // of the event
	Server    WebhookServer `json:"server"`
	// Data is the event, as GET /api/v1/events has it.
	Data Event `json:"data"`
}

// WebhookServer is the server that sends a message.
type WebhookServer struct {
	Host    string `json:"host"`    // the name of the machine
	Version string `json:"version"` // of wasm-xds
}

// Webhook is how a receiver of messages is, as GET /api/v1/webhooks lists.
type Webhook struct {
	// Receiver is the host of the URL, with a number if the host has several receivers. The URL may
	// have a secret, and is not shown.
	Receiver string `json:"receiver"`
	Waiting  int    `json:"waiting"` // messages that the receiver has not taken yet
	// OldestAt is the time of the oldest of them; absent: none waits.
	OldestAt time.Time `json:"oldestAt,omitzero"`
	// DeliveredAt is when the receiver took a message the last time; absent: not since the start.
	DeliveredAt time.Time `json:"deliveredAt,omitzero"`
	// Error says why the last try failed; null: it succeeded, or there was none.
	Error *Error `json:"error"`
}

// WebhookTestBody is the body of POST /api/v1/webhooks/test.
type WebhookTestBody struct {
	// URL is the webhook to test; "": all webhooks of the server.
	URL string `json:"url,omitempty"`
}

// WebhookTest is the outcome of a test message.
type WebhookTest struct {
	Receiver string `json:"receiver"` // as in [Webhook]
	ID       string `json:"id"`       // of the message
	Taken    bool   `json:"taken"`
	Signed   bool   `json:"signed"`
	// Status is the receiver's answer, as 204 No Content; "": there was none.
	Status       string `json:"status"`
	Milliseconds int64  `json:"milliseconds"` // until the answer or the failure
	// Error says why the receiver has not taken the message; null: it has.
	Error *Error `json:"error"`
}
