package analyzer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"orrery/analyzer/disk/disktest"
)

// A run whose limit nothing fits in gives every repository up, and says why; a state keeps the figures it had.
func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	u.push("a", 3)
	u.push("b", 3)
	u.write(t)
	tight := func(o *Options) { o.Memory = 1 }
	_, _, err := u.night(nil, "", tight)
	if !errors.Is(err, ErrNothing) || !strings.Contains(err.Error(), "out of memory") {
		t.Errorf("a run that has no memory: %v", err)
	}
	dir := t.TempDir()
	u.must(t, dir)
	u.push("b", 3)
	u.write(t)
	o, _, err := u.night(&disktest.Faulty{}, dir, tight)
	if !errors.Is(err, ErrMemory) {
		t.Errorf("a night that has no memory for what is stored: %v, %v", o, err)
	}
	if o := u.must(t, dir, func(o *Options) { o.Memory = 4 << 30 }); o.Skipped || o.Model.Read != 2 {
		t.Errorf("a night with memory enough: %d of 2 read", o.Model.Read)
	}
}

// The largest reading is given up, one at a time.
func TestMemoryWatch(t *testing.T) {
	t.Parallel()
	m := &memory{limit: 1 << 50, reading: map[*held]bool{}}
	small, giveUpSmall := context.WithCancelCause(t.Context())
	large, giveUpLarge := context.WithCancelCause(t.Context())
	defer m.add(giveUpSmall, 10)()
	done := m.add(giveUpLarge, 20)
	m.limit = 1
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan bool)
	go func() {
		m.watch(ctx)
		close(ended)
	}()
	<-large.Done()
	time.Sleep(100 * time.Millisecond)
	if !errors.Is(context.Cause(large), ErrMemory) || small.Err() != nil {
		t.Errorf("given up: the large one for %v, the small one for %v while the large one has not let go", context.Cause(large), context.Cause(small))
	}
	done()
	<-small.Done()
	stop()
	<-ended
}
