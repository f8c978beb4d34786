package forge

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"orrery/analyzer/disk"
)

// cache keeps answers on disk, each in a file that appears whole, and notes of what is whole or unfinished. Of several credentials each has
// its own: what one may see is not for another, and an ETag belongs to the token that it was given to. dir "" keeps nothing.
type cache struct {
	dir string
}

// keepFor is how long an answer is kept that nobody asks for any more.
const keepFor = 60 * 24 * time.Hour

// entry is an answer. When it was asked for last is the file's time of modification.
type entry struct {
	Format   int    `json:"format"`
	Request  string `json:"request"` // method and address, for people
	Status   int    `json:"status"`
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"last_modified,omitempty"`
	Link     string `json:"link,omitempty"`
	Total    string `json:"total,omitempty"`
	Pages    string `json:"pages,omitempty"`
	SHA256   string `json:"sha256"` // of the body

	body  []byte
	asked time.Time
}

const cacheFormat = 1

func openCache(dir, host, fingerprint string) (*cache, error) {
	if dir == "" {
		return &cache{}, nil
	}
	c := &cache{filepath.Join(dir, strings.Map(safe, host)+"-"+fingerprint)}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of a forge's answers: %w", err)
	}
	return c, nil
}

// safe makes names of files from names of hosts.
func safe(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
		return r
	}
	return '_'
}

// tidy removes what is old, and what a crash left half.
func (c *cache) tidy(now time.Time) error {
	if c.dir == "" {
		return nil
	}
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if strings.Contains(e.Name(), ".tmp") || strings.HasSuffix(e.Name(), ".answer") && info.ModTime().Before(now.Add(-keepFor)) {
			if err := os.Remove(filepath.Join(c.dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// lockSent keeps other runs from what was sent, until unlock is called.
func (c *cache) lockSent() (unlock func(), err error) {
	if c.dir == "" {
		return func() {}, nil
	}
	lock := flock.New(filepath.Join(c.dir, "sent.lock"), flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		return nil, fmt.Errorf("keeping to a forge's limits: %w", err)
	}
	return func() { _ = lock.Close() }, nil
}

// loadSent gives when requests were sent, ascending; known, if nothing is kept. What lies behind now is of another clock.
func (c *cache) loadSent(known []time.Time, now time.Time) (sent []time.Time) {
	if c.dir == "" {
		return known
	}
	content, err := os.ReadFile(filepath.Join(c.dir, "sent"))
	if err != nil {
		return nil
	}
	for ; len(content) >= 8; content = content[8:] {
		if at := time.Unix(0, int64(binary.LittleEndian.Uint64(content))); !at.After(now) {
			sent = append(sent, at)
		}
	}
	slices.SortFunc(sent, time.Time.Compare)
	return sent
}

// saveSent keeps when requests were sent: past a crash of this program, if not of the machine.
func (c *cache) saveSent(sent []time.Time) error {
	if c.dir == "" {
		return nil
	}
	content := make([]byte, 0, 8*len(sent))
	for _, at := range sent {
		content = binary.LittleEndian.AppendUint64(content, uint64(at.UnixNano()))
	}
	if err := os.WriteFile(filepath.Join(c.dir, "sent"), content, 0o600); err != nil {
		return fmt.Errorf("keeping to a forge's limits: %w", err)
	}
	return nil
}

// name is that of an answer's file.
func (c *cache) name(req *http.Request, body []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00", req.Method, req.URL, req.Header.Get("Accept"))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil)[:20]) + ".answer"
}

// load gives an answer, nil if there is none that is whole.
func (c *cache) load(name string) *entry {
	if c.dir == "" {
		return nil
	}
	path := filepath.Join(c.dir, name)
	content, err := disk.Real{}.ReadFile(path)
	if err != nil {
		return nil
	}
	line, body, ok := bytes.Cut(content, []byte("\n"))
	e := &entry{}
	if !ok || json.Unmarshal(line, e) != nil || e.Format != cacheFormat {
		return nil
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != e.SHA256 {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	e.body, e.asked = body, info.ModTime()
	return e
}

// save keeps an answer that came at a moment.
func (c *cache) save(name string, e *entry, at time.Time) error {
	if c.dir == "" {
		return nil
	}
	sum := sha256.Sum256(e.body)
	e.Format, e.SHA256 = cacheFormat, hex.EncodeToString(sum[:])
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return c.write(name, append(append(line, '\n'), e.body...), at)
}

// touch says that an answer was given again.
func (c *cache) touch(name string, at time.Time) error {
	if c.dir == "" {
		return nil
	}
	return os.Chtimes(filepath.Join(c.dir, name), at, at)
}

func (c *cache) write(name string, content []byte, at time.Time) error {
	path := filepath.Join(c.dir, name)
	temporary := path + ".tmp"
	d := disk.Real{}
	err := d.RemoveAll(temporary)
	if err == nil {
		err = d.WriteFile(temporary, content, 0o600)
	}
	if err == nil {
		// Before the rename: an answer with another time would be taken for one of another run.
		err = os.Chtimes(temporary, at, at)
	}
	if err == nil {
		err = disk.Move(d, temporary, path)
	}
	if err != nil {
		return fmt.Errorf("keeping an answer of a forge: %w", err)
	}
	return nil
}

// response makes an answer of what was kept.
func (e *entry) response(req *http.Request) *http.Response {
	header := http.Header{"Content-Type": {"application/json"}}
	for name, value := range map[string]string{"Link": e.Link, "Total_count": e.Total, "Total_page": e.Pages} {
		if value != "" {
			header.Set(name, value)
		}
	}
	return &http.Response{
		Status: http.StatusText(e.Status), StatusCode: e.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header,
		Body: io.NopCloser(bytes.NewReader(e.body)), ContentLength: int64(len(e.body)), Request: req,
	}
}

// noteName is that of the file of a note.
func noteName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:20]) + ".note"
}

// loadNote reads what was noted under a key. It says whether there is a whole note.
func (c *cache) loadNote(key string, v any) bool {
	if c.dir == "" {
		return false
	}
	content, err := disk.Real{}.ReadFile(filepath.Join(c.dir, noteName(key)))
	if err != nil {
		return false
	}
	line, body, ok := bytes.Cut(content, []byte("\n"))
	sum := sha256.Sum256(body)
	return ok && string(line) == hex.EncodeToString(sum[:]) && json.Unmarshal(body, v) == nil
}

// saveNote notes something under a key.
func (c *cache) saveNote(key string, v any) error {
	if c.dir == "" {
		return nil
	}
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	path := filepath.Join(c.dir, noteName(key))
	if err := disk.Replace(disk.Real{}, path+".tmp", path, append([]byte(hex.EncodeToString(sum[:])+"\n"), body...), 0o600); err != nil {
		return fmt.Errorf("keeping a note of what a forge was asked: %w", err)
	}
	return nil
}

// removeNote forgets a note.
func (c *cache) removeNote(key string) error {
	if c.dir == "" {
		return nil
	}
	return disk.Real{}.RemoveAll(filepath.Join(c.dir, noteName(key)))
}

// lastAsked tells when an address was asked for last, with any header Accept that is used here.
func (c *cache) lastAsked(address string) (at time.Time, ok bool) {
	if c.dir == "" {
		return at, false
	}
	for _, accept := range []string{"application/vnd.github.v3+json", "application/json"} {
		req, err := http.NewRequest(http.MethodGet, address, nil)
		if err != nil {
			return at, false
		}
		req.Header.Set("Accept", accept)
		if info, err := os.Stat(filepath.Join(c.dir, c.name(req, nil))); err == nil {
			return info.ModTime(), true
		}
	}
	return at, false
}
