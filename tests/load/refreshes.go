package main

import (
	"sync"
	"time"
)

type refreshOptions struct {
	Replicas       []string
	Secret         string
	Seed, Base     string
	Prefix         string
	Rate, Seconds  int
	TwiceEvery     int
	AtOnce         int
	PatienceMillis int
}

type refreshResult struct {
	Took    summary        `json:"took"`
	Asked   int            `json:"asked"`
	Tokens  int            `json:"tokens"`
	Rate    float64        `json:"rate"`
	Failed  int            `json:"failed"`
	Reasons map[string]int `json:"reasons"`
}

const exchangePath = "/rownd.auth.v1.RowndAuth/Exchange"

// refreshes sends each refresh token to one replica, and every so many of them to the next one too, at the
// same time: the issuer must see it once.
func refreshes(options refreshOptions) (refreshResult, error) {
	signer, count := newSigner(options.Seed), options.Rate*options.Seconds
	frames := prepare(count, func(number int) []byte {
		token := signer.rownd(options.Base, "refresh_token", name(options.Prefix, number), "user")
		return framed(field(4, text(1, token)))
	})
	callers := make([]*caller, len(options.Replicas))
	for index, address := range options.Replicas {
		callers[index] = newCaller(address, options.Secret)
	}
	var took times
	var failed failures
	ask := func(number, replica int) {
		start := time.Now()
		message, err := callers[replica%len(callers)].call(exchangePath, frames[number], time.Duration(options.PatienceMillis)*time.Millisecond)
		took.add(time.Since(start))
		if err != nil {
			failed.add(err)
		} else if len(fields(message)) == 0 {
			failed.add(errEmpty)
		}
	}
	length := time.Duration(options.Seconds) * time.Second
	begun, lasted := paced(options.Rate, length, options.AtOnce, func(number int) {
		number = min(number, count-1)
		var both sync.WaitGroup
		both.Go(func() { ask(number, number) })
		if number%options.TwiceEvery == 0 {
			both.Go(func() { ask(number, number+1) })
		}
		both.Wait()
	})
	found := took.summary()
	return refreshResult{found, found.Count, begun, float64(begun) / lasted.Seconds(), failed.count(), failed.all}, nil
}
