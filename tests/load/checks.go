package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type checkOptions struct {
	Address, Seed, Jti, User string
	Rate, Seconds            int
}

type checkResult struct {
	Took    summary        `json:"took"`
	Denied  int64          `json:"denied"`
	Failed  int            `json:"failed"`
	Reasons map[string]int `json:"reasons"`
}

// checks asks about one good token at a steady rate. Every answer has to be a yes.
func checks(options checkOptions) (checkResult, error) {
	caller := newCaller(options.Address, "")
	frame := check(newSigner(options.Seed).access(options.Jti, options.User))
	if allowed, err := caller.judged(frame); err != nil || !allowed {
		return checkResult{}, fmt.Errorf("the first check: %v %v", allowed, err)
	}
	var took times
	var failed failures
	var denied atomic.Int64
	paced(options.Rate, time.Duration(options.Seconds)*time.Second, 1000, func(int) {
		start := time.Now()
		allowed, err := caller.judged(frame)
		took.add(time.Since(start))
		if err != nil {
			failed.add(err)
		} else if !allowed {
			denied.Add(1)
		}
	})
	return checkResult{took.summary(), denied.Load(), failed.count(), failed.all}, nil
}

type freshOptions struct {
	Address, Seed, Prefix string
	Rate, Seconds         int
}

type freshResult struct {
	Answered int            `json:"answered"`
	Failed   int            `json:"failed"`
	Reasons  map[string]int `json:"reasons"`
	Rate     float64        `json:"rate"`
}

// fresh asks about tokens that the server has never seen. Each makes an event.
func fresh(options freshOptions) (freshResult, error) {
	signer, count := newSigner(options.Seed), options.Rate*options.Seconds
	frames := prepare(count, func(number int) []byte {
		id := name(options.Prefix, number)
		return check(signer.access(id, id))
	})
	caller := newCaller(options.Address, "")
	var failed failures
	var answered atomic.Int64
	begun, lasted := paced(options.Rate, time.Duration(options.Seconds)*time.Second, 256, func(number int) {
		allowed, err := caller.judged(frames[min(number, count-1)])
		if err == nil && !allowed {
			err = fmt.Errorf("a good token was denied")
		}
		if err != nil {
			failed.add(err)
			return
		}
		answered.Add(1)
	})
	return freshResult{int(answered.Load()), failed.count(), failed.all, float64(begun) / lasted.Seconds()}, nil
}

// prepare makes so many texts before the load begins, on all cores.
func prepare(count int, make1 func(number int) []byte) [][]byte {
	all := make([][]byte, count)
	var group sync.WaitGroup
	for part := range 2 {
		group.Go(func() {
			for number := part; number < count; number += 2 {
				all[number] = make1(number)
			}
		})
	}
	group.Wait()
	return all
}

type revokedOptions struct {
	Addresses  []string
	Seed, File string
}

type revokedResult struct {
	Subjects int            `json:"subjects"`
	Lost     int            `json:"lost"`
	Some     []string       `json:"some"`
	Reasons  map[string]int `json:"reasons"`
}

// lost asks each replica about a token of every user of the file, who was signed out by an event that was
// acknowledged. The event of a user who is let in was lost.
func lost(options revokedOptions) (revokedResult, error) {
	file, err := os.Open(options.File)
	if err != nil {
		return revokedResult{}, err
	}
	defer file.Close()
	var users []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		users = append(users, strings.TrimSpace(lines.Text()))
	}
	signer := newSigner(options.Seed)
	var failed failures
	var mu sync.Mutex
	result := revokedResult{Subjects: len(users), Some: []string{}}
	for _, address := range options.Addresses {
		caller := newCaller(address, "")
		places := make(chan struct{}, 64)
		var all sync.WaitGroup
		for number, user := range users {
			places <- struct{}{}
			all.Go(func() {
				defer func() { <-places }()
				allowed, err := caller.judged(check(signer.access(name("after", number), user)))
				if err != nil {
					failed.add(err)
				}
				if allowed {
					mu.Lock()
					if result.Lost++; result.Lost <= 5 {
						result.Some = append(result.Some, user+" at "+address)
					}
					mu.Unlock()
				}
			})
		}
		all.Wait()
	}
	result.Reasons = failed.all
	return result, nil
}
