// Package disk is what the state of nightly runs does to a disk: few operations, each of which leaves it in good order if the next one never
// comes. Tests stand another [System] in its place that fails, or dies, at any of them.
package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// System is a file system. Errors name the path. [Real] is the one of the machine.
type System interface {
	// ReadFile gives the content of a regular file.
	ReadFile(name string) ([]byte, error)
	// Open opens a regular file for reading.
	Open(name string) (io.ReadCloser, error)
	// ReadDir gives the entries of a folder, by name.
	ReadDir(name string) ([]fs.DirEntry, error)
	// MkdirAll makes a folder and those above it, as far as they are not there.
	MkdirAll(name string) error
	// WriteFile makes a file that must not be there yet, and flushes its content to the disk.
	WriteFile(name string, content []byte, mode fs.FileMode) error
	// WriteStream is WriteFile of what content writes, piece by piece: large files are never in memory as a whole.
	WriteStream(name string, content func(io.Writer) error, mode fs.FileMode) error
	// Rename moves a file or folder in one step; a file takes the place of one that is there.
	Rename(from, to string) error
	// RemoveAll removes what is there, with all in it.
	RemoveAll(name string) error
	// SyncDir flushes the names in a folder to the disk.
	SyncDir(name string) error
	// Scratch makes a file for reading and writing that has no name: it is gone when it is closed, or its process ends. name is one on the
	// disk where it is to lie, that nobody else uses.
	Scratch(name string) (*os.File, error)
}

// Real is the file system of the machine.
type Real struct{}

// ReadFile implements [System].
func (Real) ReadFile(name string) ([]byte, error) {
	if err := regular(name); err != nil {
		return nil, err
	}
	return os.ReadFile(name)
}

// Open implements [System].
func (Real) Open(name string) (io.ReadCloser, error) {
	if err := regular(name); err != nil {
		return nil, err
	}
	return os.Open(name)
}

func regular(name string) error {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() { // a pipe would be waited for
		err = &fs.PathError{Op: "read", Path: name, Err: errors.New("not a regular file")}
	}
	return err
}

// ReadDir implements [System].
func (Real) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }

// MkdirAll implements [System].
func (Real) MkdirAll(name string) error { return os.MkdirAll(name, 0o755) }

// WriteFile implements [System].
func (r Real) WriteFile(name string, content []byte, mode fs.FileMode) error {
	return r.WriteStream(name, func(w io.Writer) error { _, err := w.Write(content); return err }, mode)
}

// WriteStream implements [System].
func (Real) WriteStream(name string, content func(io.Writer) error, mode fs.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	err = content(f)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Rename implements [System].
func (Real) Rename(from, to string) error { return os.Rename(from, to) }

// RemoveAll implements [System].
func (Real) RemoveAll(name string) error { return os.RemoveAll(name) }

// SyncDir implements [System].
func (Real) SyncDir(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Scratch implements [System].
func (Real) Scratch(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(name); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Replace writes a file so that whoever reads, now or after a crash, finds the old content or the new one. temporary is a name on the same
// disk that nobody else uses; what a crash left there is removed.
func Replace(d System, temporary, name string, content []byte, mode fs.FileMode) error {
	if err := d.RemoveAll(temporary); err != nil {
		return err
	}
	if err := d.WriteFile(temporary, content, mode); err != nil {
		return errors.Join(err, d.RemoveAll(temporary))
	}
	return Move(d, temporary, name)
}

// Move renames, and flushes the name.
func Move(d System, from, to string) error {
	if err := d.Rename(from, to); err != nil {
		return err
	}
	if err := d.SyncDir(filepath.Dir(to)); err != nil {
		return fmt.Errorf("flushing the name of %s: %w", to, err)
	}
	return nil
}
