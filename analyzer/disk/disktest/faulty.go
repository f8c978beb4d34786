// Package disktest is a disk that fails, for tests.
package disktest

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"orrery/analyzer/disk"
)

// Faulty is the machine's file system until its n-th operation. Then it fails once, for good, or is killed: the operation is left half done,
// and nothing that comes after it happens.
type Faulty struct {
	disk.Real
	// At is the operation that fails, from 1; 0 for none.
	At int
	// Writes counts only the operations that change something.
	Writes bool
	// Err is what it fails with, such as [syscall.ENOSPC]; [ErrKilled] kills.
	Err error
	// Once lets all operations after it succeed.
	Once bool

	mu    sync.Mutex
	count int
	log   []string
}

// ErrKilled is what a process that is killed never sees.
const ErrKilled = syscall.Errno(0x7fff)

// Count gives how many operations there were.
func (f *Faulty) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// Last tells what the last operation before the fault was, for messages of tests.
func (f *Faulty) Last() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.log) == 0 {
		return "none"
	}
	return f.log[len(f.log)-1]
}

// step says whether an operation fails, and whether it is the first that does.
func (f *Faulty) step(op, name string, writes bool) (first bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Writes && !writes {
		return false, nil
	}
	f.count++
	if f.At == 0 || f.count < f.At || f.Once && f.count > f.At {
		return false, nil
	}
	if f.count == f.At {
		f.log = append(f.log, fmt.Sprintf("%s %s", op, name))
	}
	return f.count == f.At, &fs.PathError{Op: op, Path: name, Err: f.Err}
}

// ReadFile implements [disk.System].
func (f *Faulty) ReadFile(name string) ([]byte, error) {
	if _, err := f.step("read", name, false); err != nil {
		return nil, err
	}
	return f.Real.ReadFile(name)
}

// Open implements [disk.System].
func (f *Faulty) Open(name string) (io.ReadCloser, error) {
	if _, err := f.step("read", name, false); err != nil {
		return nil, err
	}
	return f.Real.Open(name)
}

// ReadDir implements [disk.System].
func (f *Faulty) ReadDir(name string) ([]fs.DirEntry, error) {
	if _, err := f.step("list", name, false); err != nil {
		return nil, err
	}
	return f.Real.ReadDir(name)
}

// MkdirAll implements [disk.System].
func (f *Faulty) MkdirAll(name string) error {
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	if _, err := f.step("mkdir", name, true); err != nil {
		return err
	}
	return f.Real.MkdirAll(name)
}

// WriteFile implements [disk.System]. It writes without waiting for the disk: what kills the process does not kill the machine.
func (f *Faulty) WriteFile(name string, content []byte, mode fs.FileMode) error {
	first, err := f.step("write", name, true)
	if err == nil {
		return write(name, content, mode)
	}
	if first {
		if err := write(name, content[:len(content)/2], mode); err != nil {
			return err
		}
	}
	return err
}

// WriteStream implements [disk.System], as WriteFile.
func (f *Faulty) WriteStream(name string, content func(io.Writer) error, mode fs.FileMode) error {
	var all bytes.Buffer
	if err := content(&all); err != nil {
		return err
	}
	return f.WriteFile(name, all.Bytes(), mode)
}

func write(name string, content []byte, mode fs.FileMode) (err error) {
	w, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err = w.Write(content); err != nil {
		return err
	}
	return w.Close()
}

// Rename implements [disk.System].
func (f *Faulty) Rename(from, to string) error {
	if _, err := f.step("rename", from+" to "+to, true); err != nil {
		return err
	}
	return f.Real.Rename(from, to)
}

// RemoveAll implements [disk.System].
func (f *Faulty) RemoveAll(name string) error {
	if _, err := os.Lstat(name); err != nil {
		return nil //nolint:nilerr // there is nothing to remove
	}
	first, err := f.step("remove", name, true)
	if err == nil {
		return f.Real.RemoveAll(name)
	}
	if first {
		// The first half of what is in it.
		if entries, err := os.ReadDir(name); err == nil {
			for _, e := range entries[:len(entries)/2] {
				if err := os.RemoveAll(filepath.Join(name, e.Name())); err != nil {
					return err
				}
			}
		}
	}
	return err
}

// SyncDir implements [disk.System].
func (f *Faulty) SyncDir(name string) error {
	_, err := f.step("sync", name, true)
	return err
}

// Scratch implements [disk.System]. Half done is a file that still has its name.
func (f *Faulty) Scratch(name string) (*os.File, error) {
	first, err := f.step("scratch", name, true)
	if err == nil {
		return f.Real.Scratch(name)
	}
	if first {
		if err := write(name, nil, 0o600); err != nil {
			return nil, err
		}
	}
	return nil, err
}
