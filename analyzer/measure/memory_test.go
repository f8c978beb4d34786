package measure

import (
	"runtime"
	"testing"
	"weak"

	"orrery/analyzer/facts"
)

// A result outlives what it was made of: it does not hold on to facts, or to the rows for every commit that were made of them.
func TestResultHoldsNoFacts(t *testing.T) {
	t.Parallel()
	measured := func() (*Result, weak.Pointer[facts.Repository]) {
		in := generate(2, 50)
		result, err := Measure(in)
		if err != nil {
			t.Fatal(err)
		}
		return result, weak.Make(in.Repositories[0])
	}
	result, repository := measured()
	runtime.GC()
	if repository.Value() != nil {
		t.Error("the result holds the facts that it was made of")
	}
	runtime.KeepAlive(result)
}
