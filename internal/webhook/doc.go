// Package webhook sends the notable events of a server to the URLs of its users.
//
// [Webhooks.Notify] takes an event without waiting. Each receiver has a queue and a goroutine of
// its own, so a receiver without an answer delays neither the server nor other receivers.
// Requests are signed as the specification Standard Webhooks says, and repeated until the receiver
// answers with 2xx.
//
// The files, from the bottom: secret.go has the secrets and the signatures. queue.go is pure, and
// decides which message is due. pending.go keeps messages for the next process. receiver.go sends
// the messages of a single receiver, and webhooks.go has all receivers. test.go sends the test
// messages of users.
package webhook
