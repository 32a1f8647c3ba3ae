package openvpn

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"text/template/parse"
	"unicode/utf8"
)

const modelName = "model"

// modelFunctions are all that a model may call. The functions of text/template that make text are
// not among them: with them a short model could fill the memory. Nor is call.
var modelFunctions = []string{"and", "eq", "file", "ge", "gt", "index", "le", "len", "lt", "ne", "not", "or"}

// modelFields are all fields of the values, at any depth. Methods are not fields.
var modelFields = fieldsOf(reflect.TypeFor[ServerValues](), reflect.TypeFor[Net](), reflect.TypeFor[File](),
	reflect.TypeFor[TLSValues]())

func fieldsOf(types ...reflect.Type) map[string]bool {
	fields := map[string]bool{}
	for _, t := range types {
		for i := range t.NumField() {
			fields[t.Field(i).Name] = true
		}
	}
	return fields
}

// sandboxed reads a template and rebuilds it: it can call nothing but modelFunctions and name
// nothing but modelFields. Before every part of it stands a call of _at, which counts and says
// where in the template the run is; at the end of every value stands a call of _write.
func sandboxed(model string) (*parse.Tree, error) {
	if len(model) > MaxModel {
		return nil, &ModelError{1, 1, FaultTooLong, fmt.Sprintf("the template has more than %d bytes", MaxModel)}
	}
	for i, r := range model {
		if r == utf8.RuneError && !strings.HasPrefix(model[i:], "\ufffd") || r == '\ufeff' {
			return nil, faultAt(model, i, FaultSyntax, "the template is not plain UTF-8")
		}
	}
	tree, trees, err := parseModel(model)
	if err != nil {
		return nil, syntaxFault(model, err)
	}
	s := sandbox{model: model}
	for _, other := range slices.SortedFunc(maps.Values(trees), byPosition) {
		if other != tree {
			s.refuse(other.Root.Pos, FaultAction, "models have no define and no block")
		}
	}
	s.list(tree.Root)
	if s.fault != nil {
		return nil, s.fault
	}
	return tree, nil
}

func byPosition(a, b *parse.Tree) int { return cmp.Compare(a.Root.Pos, b.Root.Pos) }

func parseModel(model string) (*parse.Tree, map[string]*parse.Tree, error) {
	t, trees := parse.New(modelName), map[string]*parse.Tree{}
	t.Mode = parse.SkipFuncCheck // sandbox looks at them, and knows the column
	tree, err := t.Parse(model, "", "", trees)
	return tree, trees, err
}

var templateError = regexp.MustCompile(`(?s)^template: ` + modelName + `:(\d+)(?::(\d+))?: (.*)$`)

// syntaxFault finds the column of an error that has only a line: it is the end of the shortest
// beginning of the template that has the error.
func syntaxFault(model string, err error) *ModelError {
	parts := templateError.FindStringSubmatch(err.Error())
	if parts == nil {
		return faultAt(model, 0, FaultSyntax, err.Error())
	}
	line, _ := strconv.Atoi(parts[1])
	begin, end := lineAt(model, line)
	n := sort.Search(end-begin, func(n int) bool {
		_, _, again := parseModel(model[:begin+n])
		return again != nil && again.Error() == err.Error()
	})
	at := max(begin, begin+n-1)
	for at < len(model) && !utf8.RuneStart(model[at]) { // the model is valid, so there is one before
		at--
	}
	return faultAt(model, at, FaultSyntax, parts[3])
}

// lineAt returns where a line begins and ends.
func lineAt(text string, line int) (begin, end int) {
	for ; line > 1; line-- {
		next := strings.IndexByte(text[begin:], '\n')
		if next < 0 {
			break
		}
		begin += next + 1
	}
	if length := strings.IndexByte(text[begin:], '\n'); length >= 0 {
		return begin, begin + length
	}
	return begin, len(text)
}

func faultAt(model string, at int, fault ModelFault, message string) *ModelError {
	at = min(at, len(model))
	before := model[:at]
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return &ModelError{strings.Count(before, "\n") + 1, utf8.RuneCountInString(line) + 1, fault, message}
}

// sandbox goes through a tree. It keeps the first fault.
type sandbox struct {
	model string
	fault *ModelError
}

func (s *sandbox) refuse(at parse.Pos, fault ModelFault, message string) {
	if s.fault == nil {
		s.fault = faultAt(s.model, int(at), fault, message)
	}
}

func (s *sandbox) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	nodes := []parse.Node{call(l.Pos, "_at", 1, int(l.Pos))} // also in a loop that is empty
	for _, n := range l.Nodes {
		cost := s.node(n)
		nodes = append(nodes, call(n.Position(), "_at", cost, int(n.Position())), n)
	}
	l.Nodes = nodes
}

// node returns what a part costs, without the lists in it.
func (s *sandbox) node(n parse.Node) (cost int) {
	switch n := n.(type) {
	case *parse.TextNode, *parse.CommentNode, *parse.BreakNode, *parse.ContinueNode:
		return 1
	case *parse.ActionNode:
		cost = s.pipe(n.Pipe)
		if len(n.Pipe.Decl) == 0 {
			n.Pipe.Cmds = append(n.Pipe.Cmds, command(n.Pos, "_write"))
		}
		return cost
	case *parse.IfNode:
		return s.branch(&n.BranchNode)
	case *parse.WithNode:
		return s.branch(&n.BranchNode)
	case *parse.RangeNode:
		return s.branch(&n.BranchNode)
	default:
		s.refuse(n.Position(), FaultAction, "models have no "+strings.Trim(strings.Fields(n.String())[0], "{}"))
		return 1
	}
}

func (s *sandbox) branch(b *parse.BranchNode) int {
	s.list(b.List)
	s.list(b.ElseList)
	return s.pipe(b.Pipe)
}

func (s *sandbox) pipe(p *parse.PipeNode) (cost int) {
	for _, c := range p.Cmds {
		for _, argument := range c.Args {
			cost += s.argument(argument)
		}
	}
	return cost
}

func (s *sandbox) argument(n parse.Node) int {
	switch n := n.(type) {
	case *parse.IdentifierNode:
		if !slices.Contains(modelFunctions, n.Ident) {
			s.refuse(n.Pos, FaultFunction, fmt.Sprintf("models have no function %q", n.Ident))
		}
	case *parse.FieldNode:
		s.fields(n.Pos, n.Ident)
	case *parse.VariableNode:
		s.fields(n.Pos, n.Ident[1:])
	case *parse.ChainNode:
		s.fields(n.Pos, n.Field)
		return 1 + s.argument(n.Node)
	case *parse.PipeNode:
		return 1 + s.pipe(n)
	}
	return 1
}

func (s *sandbox) fields(at parse.Pos, names []string) {
	for _, name := range names {
		if !modelFields[name] {
			s.refuse(at, FaultValue, fmt.Sprintf("models have no value %q", name))
		}
	}
}

// call is an action that calls a function with numbers.
func call(at parse.Pos, function string, numbers ...int) *parse.ActionNode {
	pipe := &parse.PipeNode{NodeType: parse.NodePipe, Pos: at}
	pipe.Cmds = append(pipe.Cmds, command(at, function, numbers...))
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: at, Pipe: pipe}
}

func command(at parse.Pos, function string, numbers ...int) *parse.CommandNode {
	arguments := []parse.Node{parse.NewIdentifier(function).SetPos(at)}
	for _, n := range numbers {
		arguments = append(arguments, &parse.NumberNode{
			NodeType: parse.NodeNumber, Pos: at, IsInt: true, Int64: int64(n), Text: strconv.Itoa(n),
		})
	}
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at, Args: arguments}
}
