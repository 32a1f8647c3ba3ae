package service

import (
	"maps"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/events"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	"github.com/chaveiro/chaveiro/pkg/masterkey"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

// sealedContexts are what the values of each kind are bound to, of all packages that seal.
func sealedContexts() masterkey.Contexts {
	all := masterkey.Contexts{
		domain.SealedSecret: func(p domain.SealedPlace) string { return secretContext(p.Name) },
	}
	for _, some := range []masterkey.Contexts{
		pki.SealedContexts(), access.SealedContexts(), vault.SealedContexts(), tunnel.SealedContexts(),
		events.SealedContexts(), idempotency.SealedContexts(),
	} {
		maps.Copy(all, some)
	}
	return all
}
