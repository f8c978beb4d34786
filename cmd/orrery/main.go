// Orrery shows which companies an open-source ecosystem turns around. See `orrery help`.
package main

import (
	"context"
	"os"

	"orrery/cmd/cli"
)

func main() {
	streams := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	os.Exit(int(cli.Main(context.Background(), os.Args[1:], streams)))
}
