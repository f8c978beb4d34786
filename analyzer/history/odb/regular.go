package odb

import (
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/go-git/go-billy/v5"
)

// maxReferences bounds a file of references: a million of them fit.
const maxReferences = 64 << 20

// OpenRegular opens a regular file, through symbolic links. A pipe would keep its reader waiting for ever, a device might never end.
func OpenRegular(path string) (*os.File, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if err := regular(path, info); err != nil {
		return nil, err
	}
	return os.Open(path)
}

func regular(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", path)
	}
	return nil
}

// ReadBounded reads a regular file, and refuses one of more than limit bytes before it is read.
func ReadBounded(path string, limit int64) ([]byte, error) {
	f, err := OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return b, err
}

// CheckReferences says why a file of references is not read: it is absent, no regular file, or too large.
func CheckReferences(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return checkReferences(path, info)
}

func checkReferences(path string, info fs.FileInfo) error {
	if err := regular(path, info); err != nil {
		return err
	}
	if info.Size() > maxReferences {
		return fmt.Errorf("%s is larger than %d bytes", path, maxReferences)
	}
	return nil
}

// References restricts a git directory, for a library that reads references there, to regular files of bounded size.
func References(dir billy.Filesystem) billy.Filesystem { return references{dir} }

type references struct{ billy.Filesystem }

func (r references) Open(name string) (billy.File, error) { return r.OpenFile(name, os.O_RDONLY, 0) }

func (r references) OpenFile(name string, flag int, mode fs.FileMode) (billy.File, error) {
	info, err := r.Stat(name)
	if err != nil {
		return nil, err
	}
	if err := checkReferences(name, info); err != nil {
		return nil, err
	}
	return r.Filesystem.OpenFile(name, flag, mode)
}
