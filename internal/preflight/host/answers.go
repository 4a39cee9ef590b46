package host

// Answer is the response to a call.
type Answer struct {
	Message Message
	// Failed means no response: the callback gets no headers. For a gRPC call, Status is its
	// status.
	Failed bool
	Status uint32
}

// answers has the response to a call, while the module has the callback of that response.
type answers struct {
	current *Answer
}

func (a *answers) begin(current *Answer) { a.current = current }

func (a *answers) end() { a.current = nil }

// message returns the response, or nil.
func (a *answers) message() *Message {
	if a.current == nil {
		return nil
	}
	return &a.current.Message
}

// status returns the response's status in gRPC; 0 without a response.
func (a *answers) status() uint32 {
	if a.current == nil {
		return 0
	}
	return a.current.Status
}
