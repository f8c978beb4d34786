package control

import (
	"strings"

	"orrery/analyzer/facts"
	"orrery/analyzer/people"
)

// readActs reads who looked at, let in or took in the changes of others: from trailers, from what forges write into merges, and from
// committers. Who did it to a change of their own is found when people are known.
func (b *Book) readActs(repository int, r *facts.Repository) {
	named := map[string]int{} // by value of a trailer
	for row := range r.Commits {
		c := &r.Commits[row]
		author := c.Author
		if c.IsMerge() {
			second := r.Parents[c.Parents.Lo+1]
			if second == facts.None {
				continue
			}
			author = r.Commits[second].Author
		}
		add := func(kind string, mention int, signature uint32) {
			b.Acts = append(b.Acts, Act{
				Repository: repository, Commit: uint32(row), Author: author, Kind: kind, Mention: mention, Signature: signature, When: c.Committed,
			})
		}
		for _, t := range r.Trailers[c.Trailers.Lo:c.Trailers.Hi] {
			kind, account := actOf(t)
			if kind == "" || kind == Integration && strings.Contains(t.Value, "<"+r.Signatures[author].Email+">") {
				continue // nothing of the kind, or one's own
			}
			key := t.Value
			if account {
				key = "@" + strings.TrimPrefix(key, "@")
			}
			n, ok := named[key]
			if !ok {
				n = -1
				if who, ok := reviewer(t.Value, account); ok {
					n = b.Mention(who)
				}
				named[key] = n
			}
			if n >= 0 {
				add(kind, n, facts.None)
			}
		}
		switch {
		case c.Committer != c.Author:
			add(Integration, -1, c.Committer)
		case c.IsMerge() && c.Author != author:
			add(Integration, -1, c.Author)
		}
	}
}

// actOf says what a trailer tells of, and whether its value is the account of somebody at a forge.
func actOf(t facts.Trailer) (kind string, account bool) {
	account = strings.HasPrefix(t.Value, "@")
	switch strings.ToLower(t.Key) {
	case "reviewed-by", "acked-by":
		return Review, account
	case "approved-by":
		return Approval, account
	case "merged-by": // GitCode
		return Approval, true
	case "signed-off-by":
		if account { // where openEuler's account merges
			return Approval, true
		}
		return Integration, false
	}
	return "", false
}

// reviewer reads the value of a trailer.
func reviewer(value string, account bool) (who people.Mention, ok bool) {
	if account && !strings.ContainsAny(value, "<>") {
		who.Accounts = accounts(value)
		return who, who.Accounts != nil
	}
	if m := mailbox.FindStringSubmatch(value); m != nil {
		return people.Mention{Name: m[1], Email: m[2]}, true
	}
	return who, false
}
