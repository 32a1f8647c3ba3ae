package domain

import (
	"fmt"
	"slices"
	"time"
)

// Kind says what class of fault an Error is; each dialect turns it into its own statuses and codes.
type Kind int

// The kinds of faults. What is no *Error is an internal fault of the service.
const (
	Required        Kind = iota + 1 // a mandatory field is missing
	Invalid                         // a value breaks a rule of its field
	Duplicated                      // another item has that value
	NotFound                        // a field names something that does not exist
	Rule                            // a rule of the system forbids the change
	Missing                         // the addressed resource itself does not exist
	Malformed                       // the request can't be understood at all
	Unauthenticated                 // no valid credential
	Forbidden                       // the credential lacks the right
)

// Kinds lists every Kind, for tests that must cover all of them.
func Kinds() []Kind {
	return []Kind{Required, Invalid, Duplicated, NotFound, Rule, Missing, Malformed, Unauthenticated, Forbidden}
}

// Error is a fault that the caller can be told about. Field is the domain's name of the faulty
// field (equal to its JSON key in the api dialect; lists as roles[0]), empty when no field is at
// fault. Reason selects the text and Args fill it in; the catalogue of a dialect has the words.
// Args never hold what the caller sent, except for networks, numbers that are beyond a bound, and
// the name of another CA, without which the caller could not tell which one it is.
type Error struct {
	Kind   Kind
	Field  string
	Reason Reason
	Args   []any
	Err    error         // the cause, for the log only
	Wait   time.Duration // after which a retry makes sense; 0: not known
	Line   int           // of an uploaded file; 1 is the first, 0 none
	File   string        // of an uploaded archive; empty: none
}

// Error describes the fault for logs.
func (e *Error) Error() string {
	text := string(e.Reason)
	if e.Field != "" {
		text = e.Field + ": " + text
	}
	if e.Line != 0 {
		text = fmt.Sprintf("line %d: %s", e.Line, text)
	}
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", text, e.Err)
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Fault makes an Error.
func Fault(kind Kind, field string, reason Reason, args ...any) *Error {
	return &Error{Kind: kind, Field: field, Reason: reason, Args: args}
}

// IsKind reports whether err is, or joins, an Error of the kind.
func IsKind(err error, kind Kind) bool {
	for _, fault := range Faults(err) {
		if fault.Kind == kind {
			return true
		}
	}
	return false
}

// Reason identifies the text of an Error in the catalogues of the dialects.
type Reason string

// The reasons. The comment names the arguments, if any.
const (
	ReasonRequired         Reason = "required"                     //
	ReasonType             Reason = "wrong type"                   // expected JSON type
	ReasonFormat           Reason = "wrong format"                 //
	ReasonCharset          Reason = "character not allowed"        // allowed characters
	ReasonControl          Reason = "control character"            //
	ReasonTooShort         Reason = "too short"                    // minimum of characters
	ReasonTooLong          Reason = "too long"                     // maximum of characters
	ReasonTooSmall         Reason = "too small"                    // minimum
	ReasonTooLarge         Reason = "too large"                    // maximum
	ReasonChoice           Reason = "not one of the choices"       // the choices
	ReasonEmail            Reason = "no e-mail address"            //
	ReasonCountry          Reason = "no country code"              //
	ReasonDate             Reason = "no date"                      //
	ReasonDuration         Reason = "no duration"                  // the longest one
	ReasonSerial           Reason = "no serial number"             //
	ReasonSerialTwoWays    Reason = "hex or decimal serial"        //
	ReasonArchived         Reason = "in the archive"               //
	ReasonEither           Reason = "one of two fields"            // the fields
	ReasonFuture           Reason = "in the future"                //
	ReasonReserved         Reason = "reserved name"                //
	ReasonDuplicated       Reason = "duplicated"                   //
	ReasonTwice            Reason = "given twice"                  //
	ReasonTooMany          Reason = "too many items"               // maximum of items
	ReasonNetwork          Reason = "no address or network"        //
	ReasonPort             Reason = "no port"                      //
	ReasonRemote           Reason = "no remote expression"         //
	ReasonActive           Reason = "already active"               //
	ReasonInUse            Reason = "in use"                       //
	ReasonReadOnly         Reason = "read only"                    //
	ReasonResource         Reason = "resource not authorized"      //
	ReasonSignature        Reason = "signature not valid"          //
	ReasonNonce            Reason = "nonce used before"            //
	ReasonNotFound         Reason = "not found"                    //
	ReasonNotEditable      Reason = "not editable"                 //
	ReasonShortName        Reason = "short name of several"        // the names of the domains
	ReasonBeyondCA         Reason = "ends after its CA"            // time until when it could be
	ReasonLikeCA           Reason = "named like its CA"            //
	ReasonSelf             Reason = "own rights"                   //
	ReasonOtherRequest     Reason = "key of another request"       //
	ReasonCAExpired        Reason = "CA has expired"               //
	ReasonCAInUse          Reason = "CA has certificates"          //
	ReasonOfRequest        Reason = "key is that of the csr"       //
	ReasonCSR              Reason = "no certificate request"       //
	ReasonPossession       Reason = "csr not signed by key"        //
	ReasonHostname         Reason = "no host name or address"      //
	ReasonConstraint       Reason = "CA does not allow name"       // the constraint
	ReasonNoIssuer         Reason = "issuer of CA missing"         //
	ReasonUnrelated        Reason = "not of the chain"             //
	ReasonConstrained      Reason = "beyond name constraints"      //
	ReasonPathLength       Reason = "CA allows no CA below"        //
	ReasonOnlyNewKey       Reason = "only with a new key"          //
	ReasonOfCertificate    Reason = "certificate is given"         //
	ReasonOtherKey         Reason = "key of another CA"            //
	ReasonOtherSubject     Reason = "subject of another CA"        //
	ReasonSucceeded        Reason = "CA has a successor"           //
	ReasonSuccession       Reason = "subject in the bundle"        //
	ReasonNoSooner         Reason = "ends no later"                // when the present one ends
	ReasonRevoked          Reason = "revoked for good"             //
	ReasonNotInForce       Reason = "revoked or suspended"         //
	ReasonOutOfTime        Reason = "request out of time"          //
	ReasonIDsAlone         Reason = "ids and other filters"        //
	ReasonNoKey            Reason = "key is not kept here"         //
	ReasonPasswordFixed    Reason = "password belongs to key"      //
	ReasonPasswordRequired Reason = "key is encrypted"             //
	ReasonPasswordWrong    Reason = "password does not open"       //
	ReasonPEM              Reason = "no PEM of that kind"          //
	ReasonOtherPEM         Reason = "PEM of another kind"          //
	ReasonFileSize         Reason = "file too large"               //
	ReasonContent          Reason = "content is damaged"           //
	ReasonCertDates        Reason = "validity not readable"        //
	ReasonNameText         Reason = "name not readable"            //
	ReasonLongSerial       Reason = "serial number too long"       //
	ReasonPasswordLong     Reason = "password is cut off"          // maximum of octets
	ReasonOnePEM           Reason = "more than one PEM block"      //
	ReasonKeyWeak          Reason = "key too weak"                 //
	ReasonKeyUnsupported   Reason = "key type not supported"       //
	ReasonKeyEncryption    Reason = "encryption not supported"     // the algorithm
	ReasonKeyIterations    Reason = "too many iterations"          // found, maximum
	ReasonKeyScrypt        Reason = "too much scrypt"              // the product of its parameters, found, maximum
	ReasonKeyBits          Reason = "too long a key"               // found, maximum of bits
	ReasonKeyMismatch      Reason = "key of another cert"          //
	ReasonWeakSignature    Reason = "signature too weak"           //
	ReasonNotCA            Reason = "not a CA certificate"         //
	ReasonSeveralCAs       Reason = "more than one CA"             //
	ReasonIsCA             Reason = "is a CA certificate"          //
	ReasonNotSignedByCA    Reason = "not signed by the CA"         //
	ReasonNotClient        Reason = "not for client auth"          //
	ReasonNoName           Reason = "common name unusable"         //
	ReasonCRL              Reason = "no CRL of this CA"            //
	ReasonCRLSigner        Reason = "CRL of another CA"            //
	ReasonCRLPartial       Reason = "CRL is not complete"          // ASN.1 name of what restricts it
	ReasonCRLCritical      Reason = "CRL extension unknown"        // object identifier
	ReasonCRLFuture        Reason = "CRL of the future"            // its thisUpdate
	ReasonCRLSerial        Reason = "CRL number too long"          //
	ReasonCritical         Reason = "extension unknown"            //
	ReasonOnlyRevoked      Reason = "only with revoked"            //
	ReasonGrant            Reason = "unknown grant type"           //
	ReasonCredential       Reason = "credential not valid"         //
	ReasonTwoCredentials   Reason = "two credentials at once"      //
	ReasonForbidden        Reason = "not allowed"                  //
	ReasonScope            Reason = "right missing"                // scope, read or write
	ReasonBeyondOwn        Reason = "more rights than own"         //
	ReasonBeyondLimits     Reason = "beyond own limits"            //
	ReasonAddress          Reason = "not from this address"        //
	ReasonCrossSite        Reason = "request of another site"      //
	ReasonLimit            Reason = "too many requests"            // seconds until the next
	ReasonLastSuperuser    Reason = "last superuser"               //
	ReasonRoleInUse        Reason = "role is in use"               //
	ReasonPassword         Reason = "wrong password"               //
	ReasonPasswordName     Reason = "password has user name"       //
	ReasonPasswordCommon   Reason = "common password"              //
	ReasonMalformed        Reason = "malformed request"            //
	ReasonJSON             Reason = "malformed JSON"               //
	ReasonDuplicateKey     Reason = "key twice in JSON"            //
	ReasonField            Reason = "unknown field"                // the nearest known one
	ReasonAnswerOnly       Reason = "field of answers only"        //
	ReasonParameter        Reason = "unknown parameter"            // the nearest known one
	ReasonParameters       Reason = "no such parameter"            // the known ones
	ReasonNoParameters     Reason = "takes no parameters"          //
	ReasonContentType      Reason = "content type"                 // expected type
	ReasonBodySize         Reason = "body too large"               //
	ReasonNoRoute          Reason = "no such path or method"       //
	ReasonEncoding         Reason = "encoding not known"           //
	ReasonQuote            Reason = "misplaced quote"              // line, column
	ReasonNoHeader         Reason = "file without header"          //
	ReasonNoColumn         Reason = "column missing"               //
	ReasonColumn           Reason = "unknown column"               // the nearest known one
	ReasonColumnTwice      Reason = "column given twice"           //
	ReasonCells            Reason = "wrong number of cells"        // how many there must be
	ReasonHeaderTwice      Reason = "header given twice"           //
	ReasonOneOf            Reason = "only one of the fields"       // the fields
	ReasonOtherIssuer      Reason = "signed by another CA"         // its issuer
	ReasonOtherPKI         Reason = "PKI of another CA"            // the subject of that CA
	ReasonBase64           Reason = "no base64"                    //
	ReasonArchive          Reason = "no zip or tar.gz"             //
	ReasonArchivePath      Reason = "path out of the archive"      //
	ReasonArchiveLocked    Reason = "archive is encrypted"         //
	ReasonArchiveSize      Reason = "unpacks to too much"          // maximum of MiB
	ReasonArchiveEmpty     Reason = "nothing to import"            //
	ReasonArchiveLink      Reason = "link in the archive"          //
	ReasonArchiveNested    Reason = "archive in the archive"       //
	ReasonIndexRow         Reason = "row of index unreadable"      //
	ReasonFileUnread       Reason = "file can't be read"           //
	ReasonPKCS12           Reason = "no PKCS #12 file"             //
	ReasonImportTime       Reason = "too much for a request"       //
	ReasonHostBits         Reason = "host bits are set"            // given network, network meant
	ReasonEverything       Reason = "all addresses"                //
	ReasonNeverRouted      Reason = "never routed"                 // the reserved network
	ReasonNoAddress        Reason = "no address"                   //
	ReasonDomain           Reason = "no domain name"               //
	ReasonOutsideTunnel    Reason = "not in the tunnel"            // the tunnel network
	ReasonNetworkAddress   Reason = "address of the network"       // the tunnel network
	ReasonBroadcast        Reason = "broadcast address"            // the tunnel network
	ReasonServerAddress    Reason = "address of the server"        //
	ReasonInPool           Reason = "address of the pool"          // its first and last address
	ReasonAddressTaken     Reason = "address of another site"      // that site, the instance
	ReasonTunnelFull       Reason = "tunnel has no free address"   // the tunnel network
	ReasonNoTunnel         Reason = "tunnel has not that family"   // 4 or 6
	ReasonNeedsAddress     Reason = "site needs an address"        //
	ReasonOverlapLAN       Reason = "overlaps a LAN"               // network, site, instance; the other's
	ReasonOverlapTunnel    Reason = "overlaps a tunnel"            // network, owner; tunnel network, its instance
	ReasonOverlapOwn       Reason = "overlaps another of the site" // the two networks
	ReasonOwnLAN           Reason = "route to the own LAN"         // the LAN
	ReasonNoLAN            Reason = "not a LAN of the site"        //
	ReasonMappedSize       Reason = "mapped to another size"       // the prefix length
	ReasonOtherCA          Reason = "of another CA"                // its CA, the instance's CA
)

// Reasons lists every Reason, for the tests of the catalogues.
func Reasons() []Reason {
	return append(slices.Concat(
		instanceReasons(), enrolmentReasons(), profileReasons(), campaignReasons(), userReasons(), agentReasons(),
		eventReasons(), sessionReasons(), mailReasons(), webhookReasons(), keyStoreReasons(),
	), []Reason{
		ReasonRequired, ReasonType, ReasonFormat, ReasonCharset, ReasonControl, ReasonTooShort, ReasonTooLong,
		ReasonTooSmall, ReasonTooLarge, ReasonChoice, ReasonEmail, ReasonCountry, ReasonDate, ReasonDuration,
		ReasonSerial, ReasonSerialTwoWays, ReasonArchived, ReasonEither, ReasonFuture, ReasonReserved,
		ReasonDuplicated, ReasonTwice,
		ReasonTooMany, ReasonNetwork, ReasonPort, ReasonRemote, ReasonActive, ReasonInUse, ReasonReadOnly,
		ReasonResource, ReasonSignature, ReasonNonce, ReasonNotFound, ReasonNotEditable, ReasonShortName,
		ReasonBeyondCA, ReasonLikeCA, ReasonSelf, ReasonOtherRequest, ReasonCAExpired, ReasonCAInUse,
		ReasonOfRequest, ReasonCSR, ReasonPossession, ReasonHostname, ReasonConstraint, ReasonNoIssuer,
		ReasonUnrelated, ReasonConstrained, ReasonPathLength, ReasonOnlyNewKey, ReasonOfCertificate, ReasonOtherKey,
		ReasonOtherSubject, ReasonSucceeded, ReasonSuccession, ReasonNoSooner, ReasonRevoked, ReasonNotInForce,
		ReasonOutOfTime, ReasonIDsAlone, ReasonNoKey, ReasonPasswordFixed, ReasonPasswordRequired,
		ReasonPasswordWrong, ReasonPEM, ReasonOtherPEM, ReasonFileSize, ReasonContent, ReasonCertDates,
		ReasonNameText, ReasonLongSerial, ReasonPasswordLong, ReasonOnePEM, ReasonKeyWeak, ReasonKeyUnsupported,
		ReasonKeyEncryption, ReasonKeyIterations, ReasonKeyScrypt, ReasonKeyBits, ReasonKeyMismatch,
		ReasonWeakSignature, ReasonNotCA, ReasonSeveralCAs, ReasonIsCA, ReasonNotSignedByCA, ReasonNotClient,
		ReasonNoName, ReasonCRL, ReasonCRLSigner, ReasonCRLPartial, ReasonCRLCritical, ReasonCRLFuture,
		ReasonCRLSerial, ReasonCritical, ReasonOnlyRevoked, ReasonGrant, ReasonCredential, ReasonTwoCredentials,
		ReasonForbidden, ReasonScope, ReasonBeyondOwn, ReasonBeyondLimits, ReasonAddress, ReasonCrossSite,
		ReasonLimit, ReasonLastSuperuser, ReasonRoleInUse, ReasonPassword, ReasonPasswordName, ReasonPasswordCommon,
		ReasonMalformed, ReasonJSON, ReasonDuplicateKey, ReasonField, ReasonAnswerOnly, ReasonParameter,
		ReasonParameters, ReasonNoParameters, ReasonContentType, ReasonBodySize, ReasonNoRoute, ReasonEncoding,
		ReasonQuote, ReasonNoHeader, ReasonNoColumn, ReasonColumn, ReasonColumnTwice, ReasonCells, ReasonHeaderTwice,
		ReasonOneOf, ReasonOtherIssuer, ReasonOtherPKI, ReasonBase64, ReasonArchive, ReasonArchivePath,
		ReasonArchiveLocked, ReasonArchiveSize, ReasonArchiveEmpty, ReasonArchiveLink, ReasonArchiveNested,
		ReasonIndexRow, ReasonFileUnread, ReasonPKCS12, ReasonImportTime, ReasonHostBits, ReasonEverything,
		ReasonNeverRouted, ReasonNoAddress, ReasonDomain, ReasonOutsideTunnel, ReasonNetworkAddress, ReasonBroadcast,
		ReasonServerAddress, ReasonInPool, ReasonAddressTaken, ReasonTunnelFull, ReasonNoTunnel, ReasonNeedsAddress,
		ReasonOverlapLAN, ReasonOverlapTunnel, ReasonOverlapOwn, ReasonOwnLAN, ReasonNoLAN, ReasonMappedSize,
		ReasonOtherCA,
	}...)
}
