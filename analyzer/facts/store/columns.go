package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding"

	"orrery/analyzer/facts"
)

// compression is as dense as a night can wait for.
var compression = &zstd.Codec{Level: zstd.SpeedDefault, Concurrency: 1}

const batch = 1 << 10 // rows

// encoded is a file.
type encoded struct {
	content []byte
	rows    int
}

// write makes a file of n rows.
func write[T any](n int, row func(i int) T) (*encoded, error) {
	var out bytes.Buffer
	w := parquet.NewGenericWriter[T](&out,
		parquet.Compression(compression),
		parquet.DefaultEncodingFor(parquet.Int32, &parquet.DeltaBinaryPacked),
		parquet.DefaultEncodingFor(parquet.Int64, &parquet.DeltaBinaryPacked),
		parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.DeltaLengthByteArray),
		parquet.CreatedBy("orrery", "1", ""),
	)
	rows := make([]T, 0, min(n, batch))
	for i := range n {
		if rows = append(rows, row(i)); len(rows) == cap(rows) || i == n-1 {
			if _, err := w.Write(rows); err != nil {
				return nil, err
			}
			rows = rows[:0]
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	// What was written is counted again by the reader's own means: rows that are lost here would be lost for good.
	c, err := open(out.Bytes())
	if err != nil {
		return nil, err
	}
	if c.rows != n {
		return nil, fmt.Errorf("%d rows were written, and %d can be read", n, c.rows)
	}
	for _, group := range c.file.Metadata().RowGroups {
		for i := range group.Columns {
			if group.Columns[i].MetaData.NumValues != group.NumRows {
				return nil, fmt.Errorf("a column has %d values for %d rows", group.Columns[i].MetaData.NumValues, group.NumRows)
			}
		}
	}
	return &encoded{out.Bytes(), n}, nil
}

// columns are those of a file that is read. The first thing that goes wrong is kept in err, and nothing is read after it.
type columns struct {
	file *parquet.File
	rows int
	err  error
}

func (c *columns) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

func open(content []byte) (*columns, error) {
	f, err := parquet.OpenFile(bytes.NewReader(content), int64(len(content)), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, err
	}
	return &columns{file: f, rows: int(f.NumRows())}, nil
}

// pages gives the pages of a column one after the other: the row of the first value, where the values stand that are not NULL (nil: they
// stand in a row), and the page.
func (c *columns) pages(name string, do func(row int, present []byte, page parquet.Page) error) {
	if c.err != nil {
		return
	}
	leaf, ok := c.file.Schema().Lookup(name)
	if !ok {
		c.fail(fmt.Errorf("there is no column %q", name))
		return
	}
	row := 0
	for _, group := range c.file.RowGroups() {
		pages := group.ColumnChunks()[leaf.ColumnIndex].Pages()
		for c.err == nil {
			page, err := pages.ReadPage()
			if errors.Is(err, io.EOF) {
				break
			}
			n := 0
			if err == nil {
				n = int(page.NumRows())
				if row+n > c.rows {
					err = errors.New("more values than rows")
				} else {
					err = do(row, page.DefinitionLevels(), page)
				}
				parquet.Release(page)
			}
			if err != nil {
				c.fail(fmt.Errorf("column %q: %w", name, err))
			}
			row += n
		}
		if err := pages.Close(); err != nil {
			c.fail(err)
		}
	}
	if row != c.rows {
		c.fail(fmt.Errorf("column %q: %d values for %d rows", name, row, c.rows))
	}
}

// each goes through the values of a page.
func each[T any](row int, present []byte, values []T, set func(i int, v T)) {
	if present == nil {
		for k, v := range values {
			set(row+k, v)
		}
		return
	}
	k := 0
	for at, level := range present {
		if level != 0 && k < len(values) {
			set(row+at, values[k])
			k++
		}
	}
}

// numbers reads 32 bits, of any sign, that are never NULL.
func numbers(c *columns, name string, set func(i int, v uint32)) { optional32(c, name, set) }

// optional32 reads 32 bits where there are any.
func optional32(c *columns, name string, set func(i int, v uint32)) {
	c.pages(name, func(row int, present []byte, page parquet.Page) error {
		data := page.Data()
		each(row, present, data.Uint32(), set)
		return nil
	})
}

// references reads numbers of rows, None for NULL.
func references(c *columns, name string, set func(i int, v uint32)) {
	c.pages(name, func(row int, present []byte, page parquet.Page) error {
		for at, level := range present {
			if level == 0 {
				set(row+at, facts.None)
			}
		}
		data := page.Data()
		each(row, present, data.Uint32(), set)
		return nil
	})
}

// spans reads how many rows of another table belong to each row, one after the other.
func spans(c *columns, name string, at func(i int) *facts.Span) {
	next := uint32(0)
	numbers(c, name, func(i int, v uint32) {
		*at(i) = facts.Span{Lo: next, Hi: next + v}
		next += v
	})
}

// numbers64 reads 64 bits that are never NULL.
func numbers64(c *columns, name string, set func(i int, v int64)) { optional64(c, name, set) }

// optional64 reads 64 bits where there are any.
func optional64(c *columns, name string, set func(i int, v int64)) {
	c.pages(name, func(row int, present []byte, page parquet.Page) error {
		data := page.Data()
		each(row, present, data.Int64(), set)
		return nil
	})
}

// flags calls set where a column is true.
func flags(c *columns, name string, set func(i int)) {
	c.pages(name, func(row int, _ []byte, page parquet.Page) error {
		data := page.Data()
		bits := data.Boolean()
		n := int(page.NumRows())
		if len(bits) < (n+7)/8 {
			return errors.New("values are missing")
		}
		for k, b := range bits {
			for ; b != 0; b &= b - 1 {
				if i := 8*k + lowest[b&-b]; i < n {
					set(row + i)
				}
			}
		}
		return nil
	})
}

// lowest gives the place of the only bit of a byte.
var lowest = func() (place [256]int) {
	for i := range 8 {
		place[1<<i] = i
	}
	return place
}()

// texts reads strings where there are any. Those of a page share their memory.
func texts(c *columns, name string, set func(i int, s string)) {
	c.pages(name, func(row int, present []byte, page parquet.Page) error {
		data := page.Data()
		if data.Kind() != encoding.ByteArray {
			return errors.New("the values are no texts")
		}
		content, offsets := data.ByteArray()
		if len(offsets) == 0 {
			return nil
		}
		all := string(content)
		k := 0
		for at := range int(page.NumRows()) {
			if present == nil || present[at] != 0 {
				set(row+at, all[offsets[k]:offsets[k+1]])
				k++
			}
		}
		return nil
	})
}

// fixed reads values of one length, which last for the call.
func fixed(c *columns, name string, set func(i int, b []byte)) {
	c.pages(name, func(row int, _ []byte, page parquet.Page) error {
		data := page.Data()
		content, size := data.FixedLenByteArray()
		for k := range int(page.NumRows()) {
			set(row+k, content[k*size:(k+1)*size])
		}
		return nil
	})
}

// names reads a dictionary's texts as their numbers in a list.
func names(c *columns, name string, list []string, set func(i, v int)) {
	c.pages(name, func(row int, present []byte, page parquet.Page) error {
		dictionary := page.Dictionary()
		if dictionary == nil {
			return errors.New("there is no dictionary")
		}
		number := make([]int, dictionary.Len())
		for i := range number {
			value := string(dictionary.Index(int32(i)).ByteArray())
			if number[i] = slices.Index(list, value); number[i] < 0 {
				return fmt.Errorf("unknown value %q", value)
			}
		}
		data := page.Data()
		each(row, present, data.Int32(), func(i int, v int32) { set(i, number[v]) })
		return nil
	})
}
