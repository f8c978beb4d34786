package forge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The interfaces of Gitee and GitCode: both are versions of one, "v5". Their numbers come as numbers or as strings.

type number int64

func (n *number) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	if text == "null" || text == "" {
		return nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("%q is no number", text)
	}
	*n = number(v)
	return nil
}

// truth is true or 1, or false or 0 or null.
type truth bool

func (f *truth) UnmarshalJSON(b []byte) error {
	switch strings.Trim(string(b), `"`) {
	case "true", "1":
		*f = true
	case "false", "0", "null", "":
		*f = false
	default:
		return fmt.Errorf("%q is neither true nor false", b)
	}
	return nil
}

// moment is a date as these forges write it; the zero value where there is none.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	if text == "null" || text == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return fmt.Errorf("%q is no moment", text)
	}
	m.Time = t
	return nil
}

func (m moment) unix() int64 {
	if m.IsZero() {
		return 0
	}
	return m.Unix()
}

type plainRepository struct {
	ID            number `json:"id"`
	Path          string `json:"path"`
	FullName      string `json:"full_name"`
	HTMLURL       string `json:"html_url"`
	DefaultBranch string `json:"default_branch"`
	Fork          truth  `json:"fork"`
	Private       truth  `json:"private"`
	Empty         truth  `json:"empty_repo"`
	Archived      truth  `json:"archived"`
	Status        string `json:"status"` // Gitee: 开始 (begun), 关闭 (closed), ...
	Namespace     struct {
		Path string `json:"path"`
	} `json:"namespace"`
}

// repository takes owner and name from the address, because the name is one for people.
func (r *plainRepository) repository() (Repository, error) {
	u, err := url.Parse(strings.TrimSuffix(r.HTMLURL, ".git"))
	if err != nil {
		return Repository{}, fmt.Errorf("%w: a repository without an address", ErrAnswer)
	}
	owner, name, ok := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if !ok {
		return Repository{}, fmt.Errorf("%w: a repository whose address names no owner", ErrAnswer)
	}
	return Repository{
		ID: int64(r.ID), Owner: owner, Name: name, CloneURL: u.Scheme + "://" + u.Host + "/" + owner + "/" + name + ".git",
		DefaultBranch: r.DefaultBranch, Fork: bool(r.Fork), Private: bool(r.Private), Empty: bool(r.Empty),
		Archived: bool(r.Archived) || r.Status == "关闭",
	}, nil
}

// plainGet asks for something.
func (c *Client) plainGet(ctx context.Context, path string, query url.Values, into any) (http.Header, error) {
	u := c.base.JoinPath(path)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return nil, plain(err)
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusNoContent || len(bytes.TrimSpace(content)) == 0 {
		return res.Header, nil
	}
	if err := json.Unmarshal(content, into); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return res.Header, nil
}

// plainPage asks for a page of a list. Where the forge tells the number of pages or a link, that counts; else a page that is not full is the last.
func plainPage[T any](ctx context.Context, c *Client, path string, query url.Values, number int) (p page[T], err error) {
	query.Set("per_page", strconv.Itoa(pageSize))
	query.Set("page", strconv.Itoa(number))
	header, err := c.plainGet(ctx, path, query, &p.items)
	if err != nil {
		return p, err
	}
	p.total = -1
	if total, err := strconv.Atoi(header.Get("Total_count")); err == nil {
		p.total = total
	}
	if pages, err := strconv.Atoi(header.Get("Total_page")); err == nil {
		if number < pages {
			p.next = number + 1
		}
		return p, nil
	}
	if link := header.Get("Link"); link != "" {
		p.next, err = c.t.nextPage(link, number)
		return p, err
	}
	if len(p.items) >= pageSize {
		p.next = number + 1
	}
	return p, nil
}

func (c *Client) plainOwner(owner string, person bool) func(context.Context, int) (page[Repository], error) {
	path, kind := "orgs/"+url.PathEscape(owner)+"/repos", "public"
	if person {
		path, kind = "users/"+url.PathEscape(owner)+"/repos", "owner"
	}
	return func(ctx context.Context, number int) (page[Repository], error) {
		raw, err := plainPage[plainRepository](ctx, c, path, url.Values{"type": {kind}}, number)
		p := page[Repository]{next: raw.next, total: raw.total}
		if err != nil {
			return p, err
		}
		for i := range raw.items {
			r, err := raw.items[i].repository()
			if err != nil {
				return p, err
			}
			p.items = append(p.items, r)
		}
		return p, nil
	}
}

func (c *Client) plainRepository(ctx context.Context, owner, name string) (*Repository, error) {
	var raw plainRepository
	if _, err := c.plainGet(ctx, "repos/"+url.PathEscape(owner)+"/"+url.PathEscape(name), nil, &raw); err != nil {
		return nil, err
	}
	r, err := raw.repository()
	return &r, err
}

// plain takes the address out of an error of net/http: it may be long, and says nothing that the sentence around it does not.
func plain(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	for _, known := range []error{
		ErrGone, ErrBlocked, ErrDenied, ErrLimited, ErrTooLarge, ErrAnswer, ErrRefused, ErrUnreachable, ErrOffline, ErrNoToken,
		context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, known) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", ErrAnswer, err)
}
