package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

type spreadOptions struct {
	Control  string
	Replicas []string
	Seed     string
	Prefix   string
	Commands int
	EveryMs  int
	BoundMs  int
}

type spreadResult struct {
	// From the command, and from its acknowledgement, until another replica denied the token.
	FromCommand summary `json:"from_command"`
	FromAnswer  summary `json:"from_answer"`
	// How long the command took.
	Command summary `json:"command"`
	// Commands whose answer said that not all replicas have it.
	Partial int `json:"partial"`
	Late    int `json:"late"`
}

// spread gives commands to one replica, and looks at every other one until it denies the token.
func spread(options spreadOptions) (spreadResult, error) {
	control := &line{network: "unix", address: options.Control}
	signer := newSigner(options.Seed)
	callers := make([]*caller, len(options.Replicas))
	for index, address := range options.Replicas {
		callers[index] = newCaller(address, "")
	}
	var fromCommand, fromAnswer, command times
	var failed failures
	result := spreadResult{}
	for number := range options.Commands {
		jti := name(options.Prefix, number)
		frame := check(signer.access(jti, "user"))
		for _, caller := range callers {
			if allowed, err := caller.judged(frame); err != nil || !allowed {
				return result, fmt.Errorf("before the command: %v %v", allowed, err)
			}
		}
		var answered atomic.Int64
		start := time.Now()
		denied := make([]time.Duration, len(callers))
		var all sync.WaitGroup
		for index, caller := range callers {
			all.Go(func() {
				denied[index] = untilDenied(caller, frame, start, options.EveryMs, &failed)
			})
		}
		answer, err := control.order("/revoke", map[string]string{"jti": jti})
		answered.Store(int64(time.Since(start)))
		if err != nil {
			return result, err
		}
		all.Wait()
		command.add(time.Duration(answered.Load()))
		if answer.Replicas.Have < len(callers)+1 {
			result.Partial++
		}
		for _, at := range denied {
			fromCommand.add(at)
			since := max(0, at-time.Duration(answered.Load()))
			fromAnswer.add(since)
			if since > time.Duration(options.BoundMs)*time.Millisecond {
				result.Late++
			}
		}
	}
	if failed.count() > 0 {
		return result, fmt.Errorf("checks failed: %v", failed.all)
	}
	result.FromCommand, result.FromAnswer, result.Command = fromCommand.summary(), fromAnswer.summary(), command.summary()
	return result, nil
}

// untilDenied is when a replica denied the token first; after ten seconds it gives up.
func untilDenied(caller *caller, frame []byte, start time.Time, everyMs int, failed *failures) time.Duration {
	for {
		allowed, err := caller.judged(frame)
		since := time.Since(start)
		if err != nil {
			failed.add(err)
		}
		if err == nil && !allowed || since > 10*time.Second {
			return since
		}
		time.Sleep(time.Duration(everyMs) * time.Millisecond)
	}
}
