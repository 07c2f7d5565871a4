// A receiver of events. See ../README.md.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	maxBytes = 256 << 10
	maxIDs   = 10_000
)

// A receiver knows the secret of a sink, and the events that it has handled.
type receiver struct {
	webhook *standardwebhooks.Webhook

	mu      sync.Mutex
	handled map[string]bool
	order   []string
}

type event struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

func (r *receiver) handle(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.handled[e.ID] {
		return
	}
	fmt.Println(e.Type, e.ID)
	r.handled[e.ID] = true
	r.order = append(r.order, e.ID)
	if len(r.order) > maxIDs {
		delete(r.handled, r.order[0])
		r.order = r.order[1:]
	}
}

func (r *receiver) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	// The body as it was sent: the signature is about these bytes.
	body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, maxBytes))
	if err != nil || r.webhook.Verify(body, request.Header) != nil {
		response.WriteHeader(http.StatusUnauthorized)
		return
	}
	var e event
	if json.Unmarshal(body, &e) != nil || e.ID == "" {
		response.WriteHeader(http.StatusBadRequest)
		return
	}
	r.handle(e)
	response.WriteHeader(http.StatusNoContent)
}

func main() {
	webhook, err := standardwebhooks.NewWebhook(os.Getenv("SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "8000"
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, &receiver{webhook: webhook, handled: map[string]bool{}}))
}
