package main

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// proxy carries the connections of one replica to one place of the database. It listens on a socket
// in a directory of its own, which stays the same whichever cluster is at that place. On SQLite it
// carries those of callers to the server, whichever process that is.
type proxy struct {
	network  string // of the listener and of the target
	listener net.Listener
	silent   atomic.Bool // bytes wait here

	mu     sync.Mutex // guards what follows
	target string     // the socket of the cluster, or the address of the server; empty: there is none
	open   map[net.Conn]bool
}

func newProxy(network, address string) (*proxy, error) {
	listener, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	p := &proxy{network: network, listener: listener, open: map[net.Conn]bool{}}
	go p.accept()
	return p, nil
}

// to sets where new connections lead.
func (p *proxy) to(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.carry(client)
	}
}

// carry connects a client with the database. When one side ends, so does the other.
func (p *proxy) carry(client net.Conn) {
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	server, err := net.Dial(p.network, target)
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	p.open[client], p.open[server] = true, true
	p.mu.Unlock()
	var ways sync.WaitGroup
	ways.Go(func() { p.copy(server, client) })
	ways.Go(func() { p.copy(client, server) })
	ways.Wait()
	p.mu.Lock()
	delete(p.open, client)
	delete(p.open, server)
	p.mu.Unlock()
}

func (p *proxy) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		for p.silent.Load() && n > 0 {
			time.Sleep(5 * time.Millisecond)
		}
		if n > 0 {
			if _, failed := to.Write(buffer[:n]); failed != nil {
				return
			}
		}
		if err != nil && err != io.EOF || n == 0 {
			return
		}
	}
}

// cut ends all connections that are open.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Close()
	}
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.silent.Store(false)
	p.cut()
}
