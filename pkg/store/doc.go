// Package store implements domain.Store with GORM on PostgreSQL and on SQLite.
//
// It imports domain, spans and db. Nothing else imports GORM. An error of GORM or of a driver that
// the caller can correct leaves this package as a *domain.Error. What must hold across replicas is
// a constraint or a conditional update. On SQLite one connection writes, so inside Transact the
// outer Store must not be used.
package store
