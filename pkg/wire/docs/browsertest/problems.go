package browsertest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// problems collects what the browser reports. The browser writes from a goroutine of its own.
type problems struct {
	// mu guards seen and requests, for one addition, look-up or copy.
	mu       sync.Mutex
	seen     []string
	requests map[network.RequestID]string
}

// Problems returns what was wrong so far on all pages, in order: messages and warnings in the
// console (an answer of 400 and above is one), uncaught exceptions, violations of a
// Content-Security-Policy, failed requests, dialogs, crashes. One cause may show up in several of
// these.
func (b *Browser) Problems() []string {
	// The events of what has happened by now arrive before the answer.
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("true")); err != nil {
		b.add("the page does not answer: %v", err)
	}
	return b.soFar()
}

// soFar returns a copy, without asking the browser.
func (p *problems) soFar() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

// add records one problem.
func (p *problems) add(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, fmt.Sprintf(format, args...))
}

// observe gets every event of the tab, in order. It must not block.
func (p *problems) observe(event any) {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		p.console(e)
	case *runtime.EventExceptionThrown:
		p.add("exception: %s", describe(e.ExceptionDetails))
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			p.add("%s %s: %s (%s)", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		p.sent(e)
	case *network.EventLoadingFailed:
		p.failed(e)
	case *page.EventJavascriptDialogOpening:
		p.add("dialog, which stops the page: %s", e.Message)
	case *inspector.EventTargetCrashed:
		p.add("the page crashed")
	}
}

// console records what a page says with console.error and the like; console.log and the like are no
// problem.
func (p *problems) console(e *runtime.EventConsoleAPICalled) {
	switch e.Type {
	case runtime.ConsoleAPICalledTypeError, runtime.ConsoleAPICalledTypeWarning, runtime.ConsoleAPICalledTypeAssert:
	default:
		return
	}
	var words []string
	for _, arg := range e.Args {
		words = append(words, word(arg))
	}
	p.add("console %s: %s", e.Type, strings.Join(words, " "))
}

// word returns an argument of a message as the console shows it: strings bare, objects and errors
// by their description.
func word(arg *runtime.RemoteObject) string {
	var text string
	if json.Unmarshal(arg.Value, &text) == nil {
		return text
	}
	return cmp.Or(arg.Description, string(arg.Value))
}

// sent keeps the address of a request, because the event of its failure lacks it.
func (p *problems) sent(e *network.EventRequestWillBeSent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.requests == nil {
		p.requests = map[network.RequestID]string{}
	}
	p.requests[e.RequestID] = e.Request.Method + " " + e.Request.URL
}

// failed records a request without an answer. A request that the page cancels itself, or by being
// left, is no problem.
func (p *problems) failed(e *network.EventLoadingFailed) {
	p.mu.Lock()
	request := p.requests[e.RequestID]
	p.mu.Unlock()
	if !e.Canceled || e.BlockedReason != "" {
		p.add("request failed: %s: %s %s", request, e.ErrorText, e.BlockedReason)
	}
}

// describe returns the description of an exception, which has its stack, or else its text and
// place.
func describe(e *runtime.ExceptionDetails) string {
	if e.Exception != nil && e.Exception.Description != "" {
		return e.Exception.Description
	}
	return fmt.Sprintf("%s (%s:%d)", e.Text, e.URL, e.LineNumber+1)
}
