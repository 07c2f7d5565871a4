package main

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
)

type issuerOptions struct {
	Seed, Address string
}

// issuer stands in for Rownd: its keys, and new tokens for each refresh token. It counts how often it has
// seen each one.
func issuer(options issuerOptions) (string, error) {
	listener, err := net.Listen("tcp", options.Address)
	if err != nil {
		return "", err
	}
	base := "http://" + listener.Addr().String()
	signer := newSigner(options.Seed)
	var mu sync.Mutex
	seen := map[string]int{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hub/auth/keys", func(response http.ResponseWriter, _ *http.Request) {
		write(response, signer.keys())
	})
	mux.HandleFunc("POST /hub/auth/token", func(response http.ResponseWriter, request *http.Request) {
		var body struct {
			Token string `json:"refresh_token"`
		}
		if err := json.NewDecoder(request.Body).Decode(&body); err != nil || body.Token == "" {
			response.WriteHeader(http.StatusBadRequest)
			return
		}
		mu.Lock()
		seen[body.Token]++
		number := len(seen)
		mu.Unlock()
		write(response, map[string]string{
			"access_token":  signer.rownd(base, "", name("access", number), "user"),
			"refresh_token": signer.rownd(base, "refresh_token", name("next", number), "user"),
		})
	})
	mux.HandleFunc("GET /stats", func(response http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		twice := 0
		for _, count := range seen {
			if count > 1 {
				twice++
			}
		}
		write(response, map[string]int{"tokens": len(seen), "twice": twice})
	})
	fmt.Println(base)
	return "", http.Serve(listener, mux)
}

func write(response http.ResponseWriter, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		response.WriteHeader(http.StatusInternalServerError)
		return
	}
	response.Header().Set("Content-Type", "application/json")
	response.Write(text)
}

type receiverOptions struct {
	Address, File, Secret string
}

// A sink counts the events that it has taken, by id.
type sink struct {
	secret []byte
	file   *os.File

	mu       sync.Mutex
	ids      map[string]bool
	repeated int
	refused  int
}

// receiver takes events as examples/webhooks do. An id is in the file before it is acknowledged, so that
// a kill loses none.
func receiver(options receiverOptions) (string, error) {
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(options.Secret, "whsec_"))
	if err != nil {
		return "", err
	}
	file, err := os.OpenFile(options.File, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	taken := &sink{secret: secret, file: file, ids: map[string]bool{}}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		taken.ids[lines.Text()] = true
	}
	listener, err := net.Listen("tcp", options.Address)
	if err != nil {
		return "", err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /events", taken.take)
	mux.HandleFunc("GET /stats", func(response http.ResponseWriter, _ *http.Request) {
		taken.mu.Lock()
		defer taken.mu.Unlock()
		write(response, map[string]int{"distinct": len(taken.ids), "repeated": taken.repeated, "refused": taken.refused})
	})
	fmt.Println("http://" + listener.Addr().String())
	return "", http.Serve(listener, mux)
}

func (s *sink) take(response http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, 256<<10))
	id := request.Header.Get("Webhook-Id")
	signed := fmt.Sprintf("%s.%s.%s", id, request.Header.Get("Webhook-Timestamp"), body)
	code := hmac.New(sha256.New, s.secret)
	code.Write([]byte(signed))
	expected := "v1," + base64.StdEncoding.EncodeToString(code.Sum(nil))
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || request.Header.Get("Webhook-Signature") != expected {
		s.refused++
		response.WriteHeader(http.StatusUnauthorized)
		return
	}
	if s.ids[id] {
		s.repeated++
	} else if _, err := s.file.WriteString(id + "\n"); err != nil {
		response.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	s.ids[id] = true
	response.WriteHeader(http.StatusNoContent)
}
