package rename

import (
	"bytes"
	"math/bits"

	"orrery/analyzer/facts"
)

// blob is the content of a file that may take part in the second or third pass.
type blob struct {
	id     facts.ID
	size   int64 // in bytes; unreadable if negative
	known  bool  // whether chunks are those of the content
	chunks []chunk
	slot   int32 // position in the batch at hand, or none
}

// unreadable stands for the size of a blob that cannot be read, or not as a whole.
const unreadable = -1

// maxSize is above any content that can be in memory here, and so small that nothing computed from it overflows.
const maxSize = 1<<31 - 1

// chunk says how many bytes of a content lie in chunks of one hash.
type chunk struct{ hash, bytes uint32 }

// hashes is the number of values of the chunk hash. It is so small that chunks which differ may collide; scores contain these
// collisions, so number and hash function are part of the result.
const hashes = 107927

// chunkLength is where a chunk ends at the latest, in bytes.
const chunkLength = 64

// binaryProbe is how far a content is searched for a NUL byte, which makes it binary.
const binaryProbe = 8000

// blob gives the number of the entry's blob, none if it is no file. Its size is known then.
func (d *Detector) blob(e *Entry) int32 {
	if kind(e.Mode) != file {
		return none
	}
	b, ok := d.blobNumber[e.Blob]
	if !ok {
		b = int32(len(d.blobs))
		d.blobNumber[e.Blob] = b
		size, err := d.content.Size(e.Blob)
		if err != nil || size < 0 || size > maxSize {
			size = unreadable
		}
		d.blobs = append(d.blobs, blob{id: e.Blob, size: size, slot: none})
	}
	return b
}

// fits says whether files of these sizes can reach the minimum score: each byte of the difference is a byte not in common.
func (d *Detector) fits(a, b int64) bool {
	return max(a, b)*int64(MaxScore-d.minScore) >= (max(a, b)-min(a, b))*MaxScore
}

// score turns bytes in common into a score, given the size of the larger file.
func score(common uint32, larger int64) int {
	if larger == 0 {
		return 0
	}
	return int(int64(common) * MaxScore / larger)
}

// similarity gives the score of two blobs, 0 where sizes exclude that they reach the minimum.
func (d *Detector) similarity(a, b int32) int {
	if a == none || b == none {
		return 0
	}
	sizeA, sizeB := d.blobs[a].size, d.blobs[b].size
	if sizeA < 0 || sizeB < 0 || !d.fits(sizeA, sizeB) {
		return 0
	}
	tableA, tableB := d.table(a), d.table(b)
	for _, c := range tableA {
		d.sum[c.hash] = c.bytes
	}
	common := overlap(tableB, d.sum)
	for _, c := range tableA {
		d.sum[c.hash] = 0
	}
	return score(common, max(sizeA, sizeB))
}

// overlap counts the bytes that a table shares with another one that is spread over sum.
func overlap(table []chunk, sum []uint32) uint32 {
	sum = sum[:hashes]
	common := uint32(0)
	for _, c := range table {
		common += min(c.bytes, sum[c.hash])
	}
	return common
}

// table gives the chunks of a blob, in no particular order. It reads the blob at the first call. When tables exceed their share of
// memory all are forgotten, to be read again on demand; slices that are in use stay as they are.
func (d *Detector) table(b int32) []chunk {
	if d.blobs[b].known {
		return d.blobs[b].chunks
	}
	if d.blobs[b].size < 0 {
		return nil
	}
	content, err := d.content.Bytes(d.blobs[b].id)
	if err != nil || int64(len(content)) != d.blobs[b].size {
		d.blobs[b].size = unreadable
		return nil
	}
	d.fresh = appendChunks(d.fresh[:0], content, d.sum)
	table := d.store(d.fresh) // before b is marked: store may forget all tables
	d.blobs[b].known, d.blobs[b].chunks = true, table
	return table
}

// pageLength is the number of chunks in a page: 256 KB. A longer table gets a page to itself.
const pageLength = 1 << 15

// store copies a table to where it stays until tables are forgotten.
func (d *Detector) store(table []chunk) []chunk {
	for d.page < len(d.pages) && cap(d.pages[d.page])-len(d.pages[d.page]) < len(table) {
		d.page++
	}
	if d.page == len(d.pages) {
		length := max(len(table), min(pageLength, d.maxChunks))
		if d.room+length > d.maxChunks {
			d.pages, d.page, d.room = nil, 0, 0
			for k := range d.blobs {
				d.blobs[k].known, d.blobs[k].chunks = false, nil
			}
		}
		d.pages = append(d.pages, make([]chunk, 0, length))
		d.room += length
	}
	page := &d.pages[d.page]
	from := len(*page)
	*page = append(*page, table...)
	return (*page)[from:len(*page):len(*page)]
}

// appendChunks appends the table of a content to table. sum is of length hashes, and all zero before and after.
//
// A chunk ends behind a line feed, or after chunkLength bytes. In a text the carriage return of a CR LF is passed over. What
// follows the last end of a chunk counts nowhere: git 2.39 leaves it out.
func appendChunks(table []chunk, content []byte, sum []uint32) []chunk {
	sum = sum[:hashes]
	from := len(table)
	text := bytes.IndexByte(content[:min(len(content), binaryProbe)], 0) < 0
	for len(content) > 0 {
		var piece []byte // the next chunk, without its line feed
		ended := false   // by a line feed
		window := content[:min(len(content), chunkLength)]
		if n := bytes.IndexByte(window, '\n'); n >= 0 {
			piece, content, ended = content[:n], content[n+1:], true
			if text && n > 0 && piece[n-1] == '\r' {
				piece = piece[:n-1]
			}
		} else {
			if len(window) < chunkLength {
				break
			}
			piece, content = window, content[chunkLength:]
			if text && piece[chunkLength-1] == '\r' && len(content) > 0 && content[0] == '\n' {
				// Without its carriage return the chunk has room for the line feed behind it.
				piece, content, ended = piece[:chunkLength-1], content[1:], true
			}
		}
		h := rolled(piece, ended)
		n := uint32(len(piece))
		if ended {
			n++
		}
		if sum[h] == 0 {
			table = append(table, chunk{hash: h})
		}
		sum[h] += n
	}
	for k := from; k < len(table); k++ {
		h := table[k].hash
		table[k].bytes = sum[h]
		sum[h] = 0
	}
	return table
}

// rolled is the chunk hash of piece, with a line feed behind it if ended.
//
// The state is two words of 32 bits that are rotated as one of 64 by seven bits for each byte, which is then added to the lower
// word. The sum may not carry into the upper word. It hardly ever would: so carries are only watched for, and the chunk is done
// again if there was one, which takes half of the steps off the chain that bounds the speed.
func rolled(piece []byte, ended bool) uint32 {
	state, changed := uint64(0), uint64(0)
	for _, c := range piece {
		state = bits.RotateLeft64(state, 7)
		next := state + uint64(c)
		changed |= state ^ next
		state = next
	}
	if ended {
		state = bits.RotateLeft64(state, 7)
		next := state + '\n'
		changed |= state ^ next
		state = next
	}
	if changed>>32 != 0 {
		state = 0
		for _, c := range piece {
			state = rolledByte(state, c)
		}
		if ended {
			state = rolledByte(state, '\n')
		}
	}
	return (uint32(state) + uint32(state>>32)*0x61) % hashes
}

// rolledByte is one step of the hash.
func rolledByte(state uint64, c byte) uint64 {
	state = bits.RotateLeft64(state, 7)
	return state>>32<<32 | uint64(uint32(state)+uint32(c))
}
