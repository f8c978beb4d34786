package cli

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// talk is stderr. It is as it is, until a command asks for a log: then each line is a JSON object, whoever writes it.
type talk struct {
	to io.Writer

	lock sync.Mutex
	log  *slog.Logger // nil for plain text
	rest []byte       // the beginning of a line
}

func newTalk(to io.Writer) *talk { return &talk{to: to} }

// asLog turns what follows into JSON lines, and gives the log.
func (t *talk) asLog() *slog.Logger {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.log = slog.New(slog.NewJSONHandler(t.to, nil))
	return t.log
}

// Write implements io.Writer.
func (t *talk) Write(p []byte) (int, error) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.log == nil {
		return t.to.Write(p)
	}
	t.rest = append(t.rest, p...)
	for {
		line, rest, found := bytes.Cut(t.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		t.log.Info(strings.TrimPrefix(string(line), "orrery: "))
		t.rest = rest
	}
}

// terminal says whether a person reads it line by line.
func (t *talk) terminal() bool {
	t.lock.Lock()
	defer t.lock.Unlock()
	f, ok := t.to.(*os.File)
	return ok && t.log == nil && term.IsTerminal(int(f.Fd()))
}
