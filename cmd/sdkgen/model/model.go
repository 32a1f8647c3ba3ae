// Package model owns what an SDK sees of an OpenAPI document: groups of operations, and types,
// in the order of the document and with its names in snake_case. Read fails with file and line on
// what the SDKs would get wrong: an operation without x-sdk-group or x-sdk-name, a schema with a
// keyword that has no meaning here. It imports nothing of this module.
package model

// A Document is one OpenAPI document.
type Document struct {
	Name    string // as given to Read: "api" or "pam"
	Title   string
	Version string
	Prefix  string // the path of its first server: "/api", "/iso"
	Groups  []Group
	Types   []*Type // the named types, and those that Read has named, in the document's order
}

// Type returns the type of a name, nil if there is none.
func (d *Document) Type(name string) *Type {
	for _, t := range d.Types {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// A Group has the operations of one x-sdk-group; those of the document "pam" are all in "vault".
type Group struct {
	Name       string // snake_case
	Doc        string // the description of the tag of its first operation
	Operations []Operation
}

// A RetryClass says whether an operation may be sent again when it is not known what became of it.
type RetryClass string

// The classes.
const (
	RetryNever RetryClass = "never" // an exchange of tokens
	RetrySafe  RetryClass = "safe"  // GET, PUT, DELETE, and the vault's upsert by name
	RetryKeyed RetryClass = "keyed" // a POST that declares the header Idempotency-Key: safe with one
)

// The ways to authenticate, of Operation.Security.
const (
	Bearer = "bearer"
	Cookie = "cookie"
	OAuth1 = "oauth1"
	NoAuth = "none"
)

// An Operation is a request and its answers.
type Operation struct {
	ID          string              // operationId, camelCase
	Name        string              // x-sdk-name, snake_case
	Result      string              // x-sdk-result: the name of what a success holds, snake_case; "" without
	Aliases     map[string][]string // x-sdk-alias: other names by language; of all languages under ""
	Summary     string
	Description string
	Scope       string // x-scope; "" when it needs no right
	Method      string // upper case
	Path        string // below Document.Prefix, with {id}
	DryRun      bool   // it is the dry run of the operation before it; Path has its query
	// Parameters are those of path, query and header. Accept-Language and Idempotency-Key are left
	// out, which the runtimes send, dry_run, and those of the query that the body has as fields.
	Parameters  []Parameter
	Body        *Body    // nil without one
	Results     []Result // the 2xx answers, by status
	NotModified bool     // whether 304 is an answer
	Errors      []int    // the 4xx and 5xx that the document declares
	Pages       *Pages   // nil unless it is a list of pages
	Retry       RetryClass
	Security    []string       // Bearer, Cookie, OAuth1, NoAuth: any of them will do
	Extensions  map[string]any // all extensions as they are written
	At          string         // file:line
}

// A Parameter is one of path, query or header.
type Parameter struct {
	Name     string // as it is sent: "ca_id", "If-None-Match"
	In       string // path, query, header
	Doc      string
	Type     Ref
	Required bool
	Example  any
	At       string
}

// A Body is the body of a request.
type Body struct {
	MediaType string   // the one to send: application/json when there is a choice
	Others    []string // the other media types that are accepted
	Type      Ref
	Binary    bool // neither JSON nor a form: sent as it is
	Required  bool
	Example   any
	At        string
}

// A Result is the answer of one 2xx status.
type Result struct {
	Status     int
	Doc        string
	MediaTypes []string // none when there is no body
	Type       *Ref     // of JSON; nil when there is no body, or a file
	Binary     bool     // a file: anything but JSON, or JSON as one of several forms of a file
	At         string
}

// Pages says how the pages of a list are told apart, from x-pagination. Pointers are JSON pointers
// (RFC 6901) into the answer.
type Pages struct {
	Request                 string // the name of the query parameter that takes a cursor
	Current, Next, Previous string // pointers to cursors; no page is null
	Items                   string // pointer to the array of items
	Item                    Ref    // the type of an item
	Cursor                  Ref    // the type of a cursor
}

// Kind is what a type is.
type Kind string

// The kinds.
const (
	Object   Kind = "object"
	Enum     Kind = "enum" // of strings; a newer server may have more
	Array    Kind = "array"
	Map      Kind = "map" // of strings to Element
	String   Kind = "string"
	Integer  Kind = "integer" // up to 2^53-1
	Number   Kind = "number"
	Boolean  Kind = "boolean"
	DateTime Kind = "date-time" // RFC 3339
	Date     Kind = "date"
	Bytes    Kind = "bytes"
	Any      Kind = "any"
	OneOf    Kind = "oneOf"
)

// A Type is a schema.
type Type struct {
	Name          string // "" of one that is written where it is used
	Doc           string
	Kind          Kind
	Format        string   // as in the document: int64, email, password
	Fields        []Field  // of Object, in the author's order
	Values        []string // of Enum
	Element       *Ref     // of Array and Map
	Variants      []Ref    // of OneOf
	Discriminator string   // of OneOf: the field whose value tells the variants apart; "" without
	Default       any
	Example       any

	Minimum, Maximum     *float64
	MinLength, MaxLength *int // of String in characters, of Array in items
	Pattern              string

	// InRequest and InResponse say whether an operation sends it, and whether one is answered with
	// it (2xx), by itself or within another.
	InRequest, InResponse bool
	Extensions            map[string]any // all extensions as they are written
	At                    string
}

// A Ref is a use of a type.
type Ref struct {
	Name string // of the type; "" when it is written where it is used
	Type *Type
}

// A Field is a property of an object.
type Field struct {
	Name     string
	Doc      string // its own description, otherwise that of its type
	Type     Ref
	Required bool
	Nullable bool
	Example  any // its own, otherwise that of the object's example
	At       string
}
