package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// A little of protobuf: the messages have few fields, and no generated code is needed.

func field(number int, content []byte) []byte {
	out := binary.AppendUvarint(nil, uint64(number)<<3|2)
	out = binary.AppendUvarint(out, uint64(len(content)))
	return append(out, content...)
}

func text(number int, content string) []byte { return field(number, []byte(content)) }

// fields are those of a message that hold bytes, by number; others are passed over.
func fields(message []byte) map[int][]byte {
	found := map[int][]byte{}
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 {
			return found
		}
		message = message[n:]
		length, n := binary.Uvarint(message)
		if n <= 0 {
			return found
		}
		message = message[n:]
		switch tag & 7 {
		case 0:
			found[int(tag>>3)] = binary.AppendUvarint(nil, length)
		case 2:
			if uint64(len(message)) < length {
				return found
			}
			found[int(tag>>3)] = message[:length]
			message = message[length:]
		default:
			return found
		}
	}
	return found
}

func framed(message []byte) []byte {
	frame := make([]byte, 5, 5+len(message))
	binary.BigEndian.PutUint32(frame[1:], uint32(len(message)))
	return append(frame, message...)
}

// check is the CheckRequest of a GET, with the headers of a browser's call, and a token if there is one.
func check(token string) []byte {
	headers := [][2]string{
		{":authority", "api.example.com"}, {":method", "GET"}, {":path", "/v1/items?limit=50"},
		{":scheme", "http"}, {"accept", "application/json, text/plain, */*"},
		{"accept-encoding", "gzip, deflate, br, zstd"}, {"accept-language", "en-GB,en;q=0.9"},
		{"user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"},
		{"x-request-id", "6f1d2c3b-4a59-4e68-8f7a-0b1c2d3e4f50"},
	}
	if token != "" {
		headers = append(headers, [2]string{"authorization", "Bearer " + token})
	}
	request := append(text(1, "1"), text(2, "GET")...)
	for _, header := range headers {
		request = append(request, field(3, append(text(1, header[0]), text(2, header[1])...))...)
	}
	request = append(request, text(4, "/v1/items?limit=50")...)
	request = append(request, text(5, "api.example.com")...)
	request = append(request, text(7, "http")...)
	request = append(request, text(10, "HTTP/1.1")...)
	return framed(field(1, field(4, field(2, request))))
}

type frameOptions struct {
	Seed, Jti, User, Path string
}

// checkFrame writes a check to a file, for a program that sends the same over and over.
func checkFrame(options frameOptions) (string, error) {
	token := ""
	if options.Jti != "" {
		token = newSigner(options.Seed).access(options.Jti, options.User)
	}
	return options.Path, os.WriteFile(options.Path, check(token), 0o600)
}

// A caller calls one server by gRPC over plain HTTP/2.
type caller struct {
	address string
	secret  string
	client  *http.Client
}

func newCaller(address, secret string) *caller {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols, MaxIdleConnsPerHost: 4}
	return &caller{address, secret, &http.Client{Transport: transport}}
}

// call sends a framed message and gives the first message of the answer.
func (c *caller) call(path string, frame []byte, patience time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer, err := c.open(ctx, path, frame)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	status := answer.Trailer.Get("Grpc-Status")
	if status == "" {
		status = answer.Header.Get("Grpc-Status")
	}
	if status != "0" {
		message := answer.Trailer.Get("Grpc-Message") + answer.Header.Get("Grpc-Message")
		return nil, fmt.Errorf("grpc-status %s: %s", status, message)
	}
	if len(body) < 5 {
		return nil, fmt.Errorf("no message")
	}
	return body[5:], nil
}

func (c *caller) open(ctx context.Context, path string, frame []byte) (*http.Response, error) {
	url := "http://" + c.address + path
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(frame))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("Te", "trailers")
	if c.secret != "" {
		request.Header.Set("Authorization", "Bearer "+c.secret)
	}
	return c.client.Do(request)
}

const checkPath = "/envoy.service.auth.v3.Authorization/Check"

// judged is whether a check is allowed; an answer that is neither yes nor no is an error.
func (c *caller) judged(frame []byte) (bool, error) {
	message, err := c.call(checkPath, frame, 5*time.Second)
	if err != nil {
		return false, err
	}
	found := fields(message)
	code, denied, ok := fields(found[1])[1], found[2], found[3]
	switch {
	case ok != nil && (len(code) == 0 || code[0] == 0):
		return true, nil
	case denied != nil:
		// DeniedHttpResponse.status.code: 503 is no verdict about the token.
		status, _ := binary.Uvarint(fields(fields(denied)[1])[1])
		if status >= 500 {
			return false, fmt.Errorf("undecided: %d", status)
		}
		return false, nil
	}
	return false, fmt.Errorf("an answer without a verdict")
}
