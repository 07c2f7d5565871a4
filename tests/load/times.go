package main

import (
	"slices"
	"sync"
	"time"
)

// times are durations of one kind, from many goroutines.
type times struct {
	mu  sync.Mutex
	all []time.Duration
}

func (t *times) add(one time.Duration) {
	t.mu.Lock()
	t.all = append(t.all, one)
	t.mu.Unlock()
}

// summary is in milliseconds.
type summary struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
}

func (t *times) summary() summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all) == 0 {
		return summary{}
	}
	slices.Sort(t.all)
	at := func(part float64) float64 {
		index := min(int(part*float64(len(t.all))), len(t.all)-1)
		return float64(t.all[index].Microseconds()) / 1000
	}
	return summary{len(t.all), at(0.5), at(0.99), at(1)}
}

// errors are counted by their text.
type failures struct {
	mu  sync.Mutex
	all map[string]int
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all == nil {
		f.all = map[string]int{}
	}
	if len(f.all) < 20 || f.all[err.Error()] > 0 {
		f.all[err.Error()]++
	} else {
		f.all["others"]++
	}
}

func (f *failures) count() (count int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, of := range f.all {
		count += of
	}
	return count
}

// paced calls does for each number at this rate, each in a goroutine of its own, and waits for all. When
// so many are under way, it waits for one to end. The time is that until the last one has ended.
func paced(rate int, length time.Duration, atOnce int, does func(number int)) (begun int, lasted time.Duration) {
	places := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	start := time.Now()
	for {
		since := time.Since(start)
		if since >= length {
			break
		}
		due := int(since.Seconds() * float64(rate))
		for begun < due && time.Since(start) < length {
			places <- struct{}{}
			all.Add(1)
			go func(number int) {
				defer all.Done()
				does(number)
				<-places
			}(begun)
			begun++
		}
		time.Sleep(time.Millisecond)
	}
	all.Wait()
	return begun, time.Since(start)
}
