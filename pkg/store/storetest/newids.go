package storetest

import (
	"context"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// testNewIDs creates values that have an id already, as after a transaction that was rolled back
// and is tried again. The id may belong to another row by now, so each gets a new one.
func testNewIDs(t *testing.T, s domain.Store) {
	ctx := t.Context()
	ca, key, user, role := newCA(t, s), newAPIKey(t, s), newUser(t, s), newRole(t, s)
	application, site, short := newApplication(t, s), newClient(t, s, ca.ID), newDomain(t, s)
	cert := sampleCertificate(site, fresh("e0"))
	check(t, s.Certificates().Create(ctx, &cert))
	model, server := newInstanceModel(t, s), newInstance(t, s)
	for name, again := range map[string]func(ctx context.Context) (was, is int64, err error){
		"user": func(ctx context.Context) (int64, int64, error) {
			one := sampleUser()
			one.ID = user.ID
			err := s.Users().Create(ctx, &one)
			return user.ID, one.ID, err
		},
		"apikey": func(ctx context.Context) (int64, int64, error) {
			one := sampleAPIKey()
			one.ID = key.ID
			err := s.APIKeys().Create(ctx, &one)
			return key.ID, one.ID, err
		},
		"role": func(ctx context.Context) (int64, int64, error) {
			one := sampleRole()
			one.ID = role.ID
			err := s.Roles().Create(ctx, &one)
			return role.ID, one.ID, err
		},
		"application": func(ctx context.Context) (int64, int64, error) {
			one := application
			one.Name = fresh("application")
			err := s.Applications().Create(ctx, &one)
			return application.ID, one.ID, err
		},
		"domain": func(ctx context.Context) (int64, int64, error) {
			one := short
			one.Name, one.ShortName = fresh("domain"), fresh("short")
			err := s.DeviceDomains().Create(ctx, &one)
			return short.ID, one.ID, err
		},
		"client": func(ctx context.Context) (int64, int64, error) {
			one := sampleClient(ca.ID, fresh("site"))
			one.ID = site.ID
			err := s.Clients().Create(ctx, &one)
			return site.ID, one.ID, err
		},
		"instance": func(ctx context.Context) (int64, int64, error) {
			one := sampleInstance(t, s)
			one.ID = server.ID
			err := s.Instances().Create(ctx, &one, domain.InstanceKeys{})
			return server.ID, one.ID, err
		},
		"model": func(ctx context.Context) (int64, int64, error) {
			one := model
			one.Name = fresh("model")
			err := s.InstanceModels().Create(ctx, &one)
			return model.ID, one.ID, err
		},
		"certificate": func(ctx context.Context) (int64, int64, error) {
			one := sampleCertificate(site, fresh("e0"))
			one.ID = cert.ID
			err := s.Certificates().Create(ctx, &one)
			return cert.ID, one.ID, err
		},
	} {
		if was, is, err := again(ctx); err != nil || is == was || is == 0 {
			t.Errorf("%s: %d after %d (%v)", name, is, was, err)
		}
	}
}
