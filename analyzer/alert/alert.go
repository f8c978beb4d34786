// Package alert decides whether figures of a result cross thresholds that somebody has set.
//
// A threshold is an expression of numbers, + - * /, comparisons, and, or, not, and the [Functions], which is true when the threshold is
// crossed: share_low("Acme", "last twelve months") > 0.8. The language is that of github.com/expr-lang/expr, cut down to these.
package alert

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"orrery/analyzer/report"
)

// ErrExpression is wrapped by every error of an expression that cannot be meant.
var ErrExpression = errors.New("alert")

// The bounds on an expression.
const (
	maxBytes = 4096
	maxNodes = 200
)

// Rule is a threshold that can be asked for. Immutable.
type Rule struct {
	// Text is the expression as it was written.
	Text string

	program     *vm.Program
	comparisons []comparison
	windows     []argument
	names       []argument // of organizations
}

// comparison is a part of a rule that compares two numbers.
type comparison struct {
	left, right *vm.Program
	operator    string
}

// argument is a text in a rule, and where it stands.
type argument struct {
	text string
	at   int // in characters from the start of the expression
}

// Crossing is what became of a rule.
type Crossing struct {
	Rule string
	// Crossed says that the expression is true. Line says it with the numbers of both sides.
	Crossed bool
	// Line is for people; "" if nothing crossed. It may hold names from outside.
	Line string
	// Err says why the rule could not be decided, for example because there is nothing that a share could be of.
	Err error
}

// Compile reads an expression. The error says where it is wrong.
func Compile(text string) (*Rule, error) {
	if len(text) > maxBytes {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrExpression, maxBytes)
	}
	r := &Rule{Text: text}
	tree, err := parser.Parse(text)
	if err != nil {
		return nil, r.library(err)
	}
	c := checker{rule: r}
	if c.visit(tree.Node, true); c.err != nil {
		return nil, c.err
	}
	if r.program, err = compile(text, expr.AsBool()); err != nil {
		return nil, r.library(err)
	}
	for _, n := range c.comparisons {
		left, errLeft := compile(n.Left.String())
		right, errRight := compile(n.Right.String())
		if err := errors.Join(errLeft, errRight); err != nil {
			return nil, fmt.Errorf("%w %q: %w", ErrExpression, text, err)
		}
		r.comparisons = append(r.comparisons, comparison{left, right, n.Operator})
	}
	return r, nil
}

func compile(text string, options ...expr.Option) (*vm.Program, error) {
	calls := &bare{callees: map[ast.Node]bool{}}
	return expr.Compile(text, append(options, expr.Env(environment(nil)), expr.MaxNodes(maxNodes), expr.DisableAllBuiltins(), expr.Patch(calls), expr.Patch((*called)(calls)))...)
}

// bare finds out which names stand for functions that are called, and called calls the others: elephant_factor is elephant_factor().
type bare struct{ callees map[ast.Node]bool }

type called bare

// Visit implements ast.Visitor.
func (b *bare) Visit(node *ast.Node) {
	if call, ok := (*node).(*ast.CallNode); ok {
		b.callees[call.Callee] = true
	}
}

// Visit implements ast.Visitor.
func (b *called) Visit(node *ast.Node) {
	if name, ok := (*node).(*ast.IdentifierNode); ok && !b.callees[name] {
		b.callees[name] = true
		ast.Patch(node, &ast.CallNode{Callee: name})
	}
}

// library brings the errors of the library into our form.
func (r *Rule) library(err error) error {
	var at *file.Error
	if errors.As(err, &at) {
		return r.fail(at.From, "%s", at.Message)
	}
	return fmt.Errorf("%w %q: %w", ErrExpression, r.Text, err)
}

// fail gives an error at a character of the expression.
func (r *Rule) fail(at int, format string, args ...any) error {
	line, column := 1, 1
	for i, c := range []rune(r.Text) {
		if i >= at {
			break
		}
		if column++; c == '\n' {
			line, column = line+1, 1
		}
	}
	return fmt.Errorf("%w %q at %d:%d: %s", ErrExpression, r.Text, line, column, fmt.Sprintf(format, args...))
}

// operators are those of the library that stay.
var (
	comparisons = []string{"<", "<=", ">", ">=", "==", "!="}
	arithmetic  = []string{"+", "-", "*", "/"}
	logic       = []string{"and", "or", "&&", "||"}
)

// checker lets through what a threshold is made of, and nothing else.
type checker struct {
	rule        *Rule
	comparisons []*ast.BinaryNode
	err         error
}

// visit walks down a tree. truth says that what stands there is to be true or false, and not a number.
func (c *checker) visit(node ast.Node, truth bool) {
	fail := func(format string, args ...any) {
		if c.err == nil {
			c.err = c.rule.fail(node.Location().From, format, args...)
		}
	}
	number := func(what string) {
		if truth {
			fail("%s is no comparison: say what it is to be held against, as in elephant_factor < 2", what)
		}
	}
	switch n := node.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		number("a number")
	case *ast.UnaryNode:
		switch n.Operator {
		case "-", "+":
			number("a number")
			c.visit(n.Node, false)
		default: // not
			if !truth {
				fail("%s stands where a number is needed", n.Operator)
			}
			c.visit(n.Node, true)
		}
	case *ast.BinaryNode:
		switch {
		case slices.Contains(logic, n.Operator) && truth:
			c.visit(n.Left, true)
			c.visit(n.Right, true)
		case slices.Contains(comparisons, n.Operator) && truth:
			c.comparisons = append(c.comparisons, n)
			c.visit(n.Left, false)
			c.visit(n.Right, false)
		case slices.Contains(arithmetic, n.Operator):
			number("a calculation")
			c.visit(n.Left, false)
			c.visit(n.Right, false)
		case slices.Contains(logic, n.Operator) || slices.Contains(comparisons, n.Operator):
			fail("%s stands where a number is needed", n.Operator)
		default:
			fail("there is no operator %s here; there are %s", n.Operator, strings.Join(slices.Concat(comparisons, arithmetic, logic, []string{"not"}), " "))
		}
	case *ast.IdentifierNode:
		c.call(n.Value, nil, fail)
		number(n.Value)
	case *ast.CallNode:
		name, ok := n.Callee.(*ast.IdentifierNode)
		if !ok {
			fail("only functions can be called; see orrery help alerts")
			return
		}
		c.call(name.Value, n.Arguments, fail)
		number(name.Value)
	case *ast.BuiltinNode:
		c.call(n.Name, nil, fail)
	default:
		fail("only numbers, calculations, comparisons, and, or, not, and functions can stand here; see orrery help alerts")
	}
}

// call checks the name and the arguments of a function.
func (c *checker) call(name string, arguments []ast.Node, fail func(string, ...any)) {
	i := slices.IndexFunc(Functions, func(f Function) bool { return f.Name == name })
	if i < 0 {
		var names []string
		for _, f := range Functions {
			names = append(names, f.Name)
		}
		fail("there is no %q; there are %s", name, strings.Join(names, ", "))
		return
	}
	f := &Functions[i]
	kinds := []*[]argument{}
	if f.Organization {
		kinds = append(kinds, &c.rule.names)
	}
	if f.Window {
		kinds = append(kinds, &c.rule.windows)
	}
	if len(arguments) > len(kinds) || f.Organization && len(arguments) == 0 {
		fail("it is %s, and not with %d arguments", f.Usage(), len(arguments))
		return
	}
	for i, a := range arguments {
		text, ok := a.(*ast.StringNode)
		if !ok {
			if c.err == nil {
				c.err = c.rule.fail(a.Location().From, "a name in quotes is needed: %s", f.Usage())
			}
			return
		}
		*kinds[i] = append(*kinds[i], argument{text.Value, a.Location().From})
	}
}

// Check demands that the windows and organizations that the rule names are there. organization gives the name under which one is known, and
// false if it is not; nil if anything may be one.
func (r *Rule) Check(windows []string, organization func(name string) (string, bool)) error {
	for _, w := range r.windows {
		if !slices.Contains(windows, w.text) {
			return r.fail(w.at, "there is no window %q; there are %q", w.text, windows)
		}
	}
	for _, o := range r.names {
		if organization == nil {
			break
		}
		name, ok := organization(o.text)
		if !ok {
			return r.fail(o.at, "no organizations file knows %q", o.text)
		}
		if name != o.text {
			return r.fail(o.at, "%q stands in results as %q", o.text, name)
		}
	}
	return nil
}

// Evaluate asks a result.
func (r *Rule) Evaluate(m *report.Model) Crossing {
	c := Crossing{Rule: r.Text}
	env := environment(m)
	crossed, err := expr.Run(r.program, env)
	if err != nil {
		var at *file.Error
		if errors.As(err, &at) && at.Prev != nil {
			err = at.Prev
		}
		c.Err = fmt.Errorf("alert %s: %w", r.Text, err)
		return c
	}
	if c.Crossed = crossed.(bool); !c.Crossed {
		return c
	}
	var holds, not []string
	for _, part := range r.comparisons {
		// What the whole did not need to ask, because the rest decided it, may have no answer.
		left, errLeft := expr.Run(part.left, env)
		right, errRight := expr.Run(part.right, env)
		if errLeft != nil || errRight != nil {
			continue
		}
		a, b := number(left), number(right)
		if compare(a, part.operator, b) {
			holds = append(holds, format(a)+" "+part.operator+" "+format(b))
		} else {
			not = append(not, "not "+format(a)+" "+part.operator+" "+format(b))
		}
	}
	if holds == nil {
		holds = not
	}
	c.Line = fmt.Sprintf("alert: %s: %s, as of %s", report.Printable(r.Text), strings.Join(holds, ", "), m.AsOf)
	return c
}

func number(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int:
		return float64(v)
	}
	return math.NaN()
}

func compare(a float64, operator string, b float64) bool {
	switch operator {
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	case ">=":
		return a >= b
	case "==":
		return a == b
	}
	return a != b
}

func format(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 6, 64)
}
