// Load for `make fleet` and `make storm`: one program, by the standard library alone.
//
// In: a command and its options as JSON, on the command line. Out: what was measured as JSON, on standard
// output. It talks to loopback only. A server (issuer, receiver) prints its address first and runs until
// it is ended.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

type command func(options []byte) (any, error)

var commands = map[string]command{
	"public":    run(publicKey),
	"frame":     run(checkFrame),
	"checks":    run(checks),
	"spread":    run(spread),
	"refreshes": run(refreshes),
	"push":      run(push),
	"fresh":     run(fresh),
	"lost":      run(lost),
	"stream":    run(stream),
	"issuer":    run(issuer),
	"receiver":  run(receiver),
}

// run reads the options of a command, and refuses those that it does not have.
func run[O any, R any](does func(O) (R, error)) command {
	return func(text []byte) (any, error) {
		var options O
		reader := json.NewDecoder(newReader(text))
		reader.DisallowUnknownFields()
		if err := reader.Decode(&options); err != nil {
			return nil, err
		}
		return does(options)
	}
}

func main() {
	if len(os.Args) != 3 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "load COMMAND OPTIONS: fleet.py and storm.py have examples")
		os.Exit(2)
	}
	result, err := commands[os.Args[1]]([]byte(os.Args[2]))
	if err != nil {
		fmt.Fprintf(os.Stderr, "load %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		os.Exit(1)
	}
}
