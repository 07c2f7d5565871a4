package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

var errEmpty = errors.New("an empty answer")

type pushOptions struct {
	Address, Path, Seed, Prefix, File string
	Rate, Seconds, AtOnce             int
}

type pushResult struct {
	Sent     int            `json:"sent"`
	Statuses map[string]int `json:"statuses"`
	Rate     float64        `json:"rate"`
	Took     summary        `json:"took"`
}

const secevent = "content-type: application/secevent+jwt\r\n"

// push sends signed events, each of which signs one user out. The users of those that were acknowledged
// go to a file, each when its answer has come.
func push(options pushOptions) (pushResult, error) {
	signer, count := newSigner(options.Seed), options.Rate*options.Seconds
	events := prepare(count, func(number int) []byte {
		id := name(options.Prefix, number)
		return []byte(signer.event(id, id))
	})
	file, err := os.OpenFile(options.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return pushResult{}, err
	}
	defer file.Close()
	acknowledged := bufio.NewWriter(file)
	defer acknowledged.Flush()
	idle := make(chan *line, options.AtOnce)
	for range options.AtOnce {
		idle <- &line{network: "tcp", address: options.Address}
	}
	var mu sync.Mutex
	statuses := map[string]int{}
	var took times
	length := time.Duration(options.Seconds) * time.Second
	begun, lasted := paced(options.Rate, length, options.AtOnce, func(number int) {
		number = min(number, count-1)
		connection := <-idle
		start := time.Now()
		status, _, err := connection.post(options.Path, secevent, events[number])
		idle <- connection
		word := strconv.Itoa(status)
		if err != nil {
			word = "no answer"
		}
		mu.Lock()
		statuses[word]++
		if status == 202 {
			fmt.Fprintln(acknowledged, name(options.Prefix, number))
		}
		mu.Unlock()
		if status == 202 {
			took.add(time.Since(start))
		}
	})
	return pushResult{begun, statuses, float64(begun) / lasted.Seconds(), took.summary()}, nil
}

type streamOptions struct {
	Address, Secret string
	Seconds         int
	FromOldest      bool
}

type streamResult struct {
	Received int    `json:"received"`
	Distinct int    `json:"distinct"`
	First    uint64 `json:"first"`
	Last     uint64 `json:"last"`
	CutOff   int    `json:"cut_off"`
	Ended    string `json:"ended"`
}

// stream reads the events of one replica as they happen. A reader that is too slow is cut off, and begins
// again where it was.
func stream(options streamOptions) (streamResult, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(options.Seconds)*time.Second)
	defer cancel()
	caller, result, seen := newCaller(options.Address, options.Secret), streamResult{}, map[uint64]bool{}
	var request []byte
	if options.FromOldest {
		request = []byte{2 << 3, 1}
	}
	for ctx.Err() == nil {
		answer, err := caller.open(ctx, "/rownd.auth.v1.EventService/StreamEvents", framed(request))
		if err != nil {
			result.Ended = err.Error()
			break
		}
		reader := bufio.NewReaderSize(answer.Body, 1<<20)
		for {
			id, err := eventID(reader)
			if err != nil {
				break
			}
			_, text, _ := strings.Cut(id, "-")
			number, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				return result, err
			}
			result.Received++
			seen[number] = true
			if result.First == 0 {
				result.First = number
			}
			result.Last = max(result.Last, number)
		}
		answer.Body.Close()
		if ctx.Err() == nil {
			result.CutOff++
			result.Ended = answer.Trailer.Get("Grpc-Message") + answer.Header.Get("Grpc-Message")
			time.Sleep(10 * time.Millisecond)
		}
	}
	result.Distinct = len(seen)
	return result, nil
}

// eventID reads one message of the stream.
func eventID(reader io.Reader) (string, error) {
	var head [5]byte
	if _, err := io.ReadFull(reader, head[:]); err != nil {
		return "", err
	}
	message := make([]byte, binary.BigEndian.Uint32(head[1:]))
	if _, err := io.ReadFull(reader, message); err != nil {
		return "", err
	}
	return string(fields(fields(message)[2])[1]), nil
}
