// Package analyzer reads an ecosystem from its repositories and says who wrote it, how it grows, and which companies it turns around.
//
// The data goes one way through the packages below this one, and [Run] is that way in one function:
//
//	source    which repositories there are, and mirrors of them on disk
//	history   one repository's git history, read once
//	facts     what git says, as columns
//	people    signatures to persons, persons at a date to organizations, each step with its evidence
//	measure   commits, lines, growth, contributors, shares with bounds, concentration
//	control   seats, reviews, what is guarded, and what hangs on whom
//	openness  how proposals and newcomers of outsiders fare
//	report    one model; then JSON, tables, text and the graph
//
// Package graph stands below all of them and knows none; the command line stands above.
package analyzer
