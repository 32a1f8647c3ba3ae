// Package store implements domain.Store with GORM on PostgreSQL and on SQLite.
//
// It imports domain and db. Nothing else imports GORM, and no error of GORM or of a driver leaves
// this package for a fault that a caller can mend: it becomes a *domain.Error. The SQL is portable;
// what must hold across replicas is a constraint or a conditional update. With SQLite there is one
// connection that writes, so the Store outside must not be used inside Transact.
package store
