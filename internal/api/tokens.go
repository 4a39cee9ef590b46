package api

// Tokens says which tokens the API takes, as GET /api/v1/tokens does. No token is in it.
type Tokens struct {
	File   string `json:"file"`   // of the tokens; "": requests need no token
	Tokens int    `json:"tokens"` // the number of tokens in use
	// Error says why the newest file is not used; the last good tokens are. null: it is used.
	Error *Error `json:"error"`
}
