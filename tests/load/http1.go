package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

const patience = 30 * time.Second

// A line is one connection that carries one request after the other. It costs less than net/http, so that
// more of the machine is left to the programs under load.
type line struct {
	network, address string
	connection       net.Conn
	reader           *bufio.Reader
}

// post sends a request, on a new connection if there is none, and gives status and body.
func (l *line) post(path, headers string, body []byte) (int, []byte, error) {
	status, answer, err := l.try(path, headers, body)
	if err != nil && l.connection != nil {
		l.connection.Close()
		l.connection = nil
	}
	return status, answer, err
}

func (l *line) try(path, headers string, body []byte) (int, []byte, error) {
	if l.connection == nil {
		connection, err := net.DialTimeout(l.network, l.address, patience)
		if err != nil {
			return 0, nil, err
		}
		l.connection, l.reader = connection, bufio.NewReader(connection)
	}
	if err := l.connection.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, nil, err
	}
	request := make([]byte, 0, 256+len(body))
	request = fmt.Appendf(request, "POST %s HTTP/1.1\r\nhost: localhost\r\n%scontent-length: %d\r\n\r\n", path, headers, len(body))
	if _, err := l.connection.Write(append(request, body...)); err != nil {
		return 0, nil, err
	}
	return l.read()
}

func (l *line) read() (int, []byte, error) {
	first, err := l.reader.ReadString('\n')
	if err != nil {
		return 0, nil, err
	}
	words := strings.Fields(first)
	if len(words) < 2 {
		return 0, nil, fmt.Errorf("no status: %q", first)
	}
	status, err := strconv.Atoi(words[1])
	if err != nil {
		return 0, nil, err
	}
	length, closes := 0, false
	for {
		header, err := l.reader.ReadString('\n')
		if err != nil {
			return 0, nil, err
		}
		name, value, found := strings.Cut(strings.TrimSpace(header), ":")
		if !found {
			break
		}
		switch strings.ToLower(name) {
		case "content-length":
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return 0, nil, err
			}
		case "connection":
			closes = strings.EqualFold(strings.TrimSpace(value), "close")
		case "transfer-encoding":
			return 0, nil, fmt.Errorf("an answer in chunks")
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(l.reader, body); err != nil {
		return 0, nil, err
	}
	if closes {
		l.connection.Close()
		l.connection = nil
	}
	return status, body, nil
}

// spreadOf is the part of the answer to a command that says who has it.
type spreadOf struct {
	Replicas struct {
		Have  int `json:"have"`
		Known int `json:"known"`
	} `json:"replicas"`
}

// order gives a command to a control socket.
func (l *line) order(path string, body any) (spreadOf, error) {
	var answer spreadOf
	text, err := json.Marshal(body)
	if err != nil {
		return answer, err
	}
	status, said, err := l.post(path, "content-type: application/json\r\n", text)
	if err != nil {
		return answer, err
	}
	if status != 200 {
		return answer, fmt.Errorf("%s: %d %s", path, status, said)
	}
	return answer, json.Unmarshal(said, &answer)
}
