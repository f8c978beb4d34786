// Package graph is the network of people, organizations and repositories, frozen into arrays, with its files and measures.
//
// # What is a node, what is an edge
//
// A node is an [Organization], a [Person] or a [Repository]. It has a key that is unique within its kind and orders it, and an id
// for files (`o_Huawei`, `r_kernel`, `p17`), which for organizations and repositories is made of the key, so that who joins or leaves changes nobody else's. Keys of
// persons may be personal data: this package never writes one into a file or an error. Labels are untrusted text, and are escaped where they are written.
//
// An edge joins two different nodes, has no direction, and is unique for its pair: what is added twice is summed. Which kinds it joins is its
// [Relation]: person-repository (work done), person-organization (on whose behalf; may carry dated [Period]s), organization-repository,
// and projections onto one kind. One contribution usually stands on three edges (see [Builder.Contribute]): so sums are given
// relation by relation, never across.
//
// An edge has one weight in every [Column] of its graph: commits, changed lines, surviving lines, reviews, whatever its builder declares. Weights
// are finite and not negative, and the sum of a column is at most 2^53: sums of whole numbers are exact.
//
// # Frozen form
//
// A [Builder] collects in any order and makes a [Graph]: nodes sorted by kind and key, edges sorted by their ends, and for each node its
// neighbours in ascending order (compressed sparse rows). The same nodes and edges give the same Graph whatever the order and grouping they were added
// in; every file written from it is the same byte for byte. A Graph never changes and may be read by many goroutines at once.
//
// With n nodes, m edges and c columns, [Builder.Build] takes O(n log n + k log k + kc) for k additions, a Graph holds about 20 + 8c bytes an edge,
// neighbours are found in O(1), one edge in O(log degree).
//
// # Pictures and measures
//
// A picture of everything is rarely one: [Graph.Select] the relations that answer the question, [Trim] to the heaviest, [WriteDOT]. A trimmed graph
// remembers what it lacks, and every picture of it says so.
//
// Measures ([Betweenness], [PageRank], [CoreNumbers] ...) state weights, direction and normalisation. They describe the network that was built, so
// what no commit shows (reviews that left no trace, talk, money) is not in them.
//
// [View] shows a Graph as one of github.com/dominikbraun/graph, read-only, for its traversals and paths.
package graph
