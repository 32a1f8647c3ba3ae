package auth

import (
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// BearerToken returns the token of an Authorization header of the scheme Bearer, in any case (RFC
// 6750, section 2.1); false when the scheme is another.
func BearerToken(header string) (domain.Secret, bool) {
	scheme, token, found := strings.Cut(header, " ")
	return domain.Secret(strings.Trim(token, " ")), found && strings.EqualFold(scheme, "Bearer")
}
