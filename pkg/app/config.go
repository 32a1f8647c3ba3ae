// Package app puts the parts together: it reads the configuration, opens the database and the
// keys, starts the server and ends it in order. It imports audit, bounded, census, domain, events,
// kms, kms/awskms, kms/token, kms/transit, mail/smtp, masterkey, pki, seal, service, spans, store,
// telemetry and wire; nothing but cmd imports it.
package app

import (
	"errors"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/telemetry"
)

// The settings are the fields of Config and StorageConfig. The tag name is the one name of a
// setting: the flag --name, the environment variable CHAVEIRO_NAME, the key of the configuration
// file, the key in the log and the row of the table in docs/operations.md, which is generated. The
// tag help is the text for all of these, and the tag note is for the table alone.

// StorageConfig says where everything is stored, and which key seals it.
type StorageConfig struct {
	DataDir       string   `name:"data-dir" group:"Storage:" env:"CHAVEIRO_DATA_DIR" default:"./data" help:"Directory of the SQLite file and the master key."`
	DatabaseURL   URL      `name:"database-url" group:"Storage:" env:"CHAVEIRO_DATABASE_URL" help:"postgres://… or the path of an SQLite file (default: chaveiro.db in the data directory)." note:"pool_max_conns in the URL bounds the connections that read, and those that write."`
	MasterKeyFile string   `name:"master-key-file" group:"Storage:" env:"CHAVEIRO_MASTER_KEY_FILE" help:"File of the master key (default: master.key in the data directory, made on first start)." note:"Its mode is 0600. The text of the key itself can be in CHAVEIRO_MASTER_KEY, and nowhere else."`
	KeyStores     []string `name:"key-stores" sep:" " group:"Storage:" env:"CHAVEIRO_KEY_STORES" placeholder:"NAME=URI" help:"Tokens and vaults in which keys may be, as hsm=pkcs11:token=chaveiro?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/chaveiro/pin; several are separated by spaces." note:"See [Keys](keys.md)."`
	FloorFile     string   `name:"floor-file" group:"Storage:" env:"CHAVEIRO_FLOOR_FILE" help:"File with the CRL numbers and audit ends that were published; a database that is older is refused (default: floor.json in the data directory)." note:"It is written every 10 s and at the end. A refused database needs chaveiro restore --accept, with --since-from or the present CRL of every CA."`
	MasterKey     string   `kong:"-"` // the text of the master key; only from the environment, CHAVEIRO_MASTER_KEY
	Anew          bool     `kong:"-"` // a new database may be made although the master key is older
}

// URL is an address that may contain a password, which the log never shows.
type URL string

// String is the address without its password and, of a database, its parameters; string(u) is the
// address itself.
func (u URL) String() string { return redactSetting(string(u)) }

// Location is the effective URL or path of the database.
func (s StorageConfig) Location() string {
	if s.DatabaseURL != "" {
		return string(s.DatabaseURL)
	}
	return filepath.Join(s.DataDir, "chaveiro.db")
}

func (s StorageConfig) masterKeyFile() string {
	if s.MasterKeyFile != "" {
		return s.MasterKeyFile
	}
	return filepath.Join(s.DataDir, "master.key")
}

// otherDatabase matches an address of a database that is not supported, or a PostgreSQL address in
// its other form. Such an address must not be taken for the path of an SQLite file.
var otherDatabase = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:|\b(host|dbname|user|password)\s*=`)

// Validate refuses an address that would otherwise make a file with a strange name. The error
// quotes nothing: the address may contain a password.
func (s StorageConfig) Validate() error {
	if store.EngineOf(s.Location()) == store.SQLite && otherDatabase.MatchString(string(s.DatabaseURL)) {
		return errors.New("database-url is neither a URL that begins with postgres:// nor the path of an SQLite file")
	}
	return s.checkKeyStores()
}

// Config is the configuration of the server. The zero value of a field is its default unless its
// help says otherwise.
type Config struct {
	StorageConfig
	MailConfig
	TelemetryConfig
	ReadURL            URL            `name:"read-url" env:"CHAVEIRO_READ_URL" help:"postgres://… of a standby that lists and exports are read from, while it is not too far behind." note:"Rights, lists of revoked certificates and whatever is decided are always read from database-url. See Replicas."`
	ReadLag            time.Duration  `name:"read-lag" env:"CHAVEIRO_READ_LAG" least:"1s" default:"10s" help:"How far the standby of read-url may be behind; further behind, lists come from database-url." note:"At least 1 s."`
	Listen             string         `name:"listen" env:"CHAVEIRO_LISTEN" default:"127.0.0.1:8080" help:"Address to listen on."`
	TLSCertificate     string         `name:"tls-certificate" env:"CHAVEIRO_TLS_CERTIFICATE" help:"PEM file with the server's certificate chain; with --tls-key it serves https."`
	TLSKey             string         `name:"tls-key" env:"CHAVEIRO_TLS_KEY" help:"PEM file with the server's private key."`
	ExternalURL        URL            `name:"external-url" env:"CHAVEIRO_EXTERNAL_URL" help:"URL under which clients reach the service, as https://vpn.example.com." note:"Links for sites begin with it, and certificates of clients and servers name the OCSP responder of their CA below it. https:// makes cookies Secure. Signatures of OAuth 1.0 are good for it alone, and without it for the host that the request names. It is no proof that a request came over TLS."`
	TrustedProxies     []netip.Prefix `name:"trusted-proxies" env:"CHAVEIRO_TRUSTED_PROXIES" help:"Networks (CIDR) whose X-Forwarded-For, X-Forwarded-Proto and Client-Cert are believed." note:"What clients send of these headers, the proxies must replace."`
	ClientCertificates bool           `name:"client-certificates" env:"CHAVEIRO_CLIENT_CERTIFICATES" help:"Ask TLS clients for a certificate, for authorizations of the vault that need one."`
	LogLevel           slog.Level     `name:"log-level" env:"CHAVEIRO_LOG_LEVEL" default:"info" help:"debug, info, warn or error." note:"The log is on stderr."`
	LogLevelFile       string         `name:"log-level-file" env:"CHAVEIRO_LOG_LEVEL_FILE" help:"File that holds the log level; read at start and at SIGHUP, it goes before --log-level."`
	APIKeyTokensOnce   bool           `name:"apikey-tokens-once" env:"CHAVEIRO_APIKEY_TOKENS_ONCE" help:"Show the token of an apikey when it is made or rotated only, also to superusers."`
	SigningKeyLife     time.Duration  `name:"signing-key-life" env:"CHAVEIRO_SIGNING_KEY_LIFE" least:"1h" needed:"yes" default:"720h" help:"How long a key signs access tokens and sessions before the next one does." note:"At least 1 h."`
	PAMUnsigned        bool           `name:"pam-unsigned" env:"CHAVEIRO_PAM_UNSIGNED" help:"Let applications of the method none in: key and token without a signature, over TLS only." note:"TLS of the connection itself, or as a trusted proxy says in X-Forwarded-Proto."`
	PAMPlaintext       bool           `name:"pam-plaintext" env:"CHAVEIRO_PAM_PLAINTEXT" help:"Allow the signature method PLAINTEXT of OAuth 1.0, over TLS only." note:"TLS as for pam-unsigned."`
	PAMChanged         bool           `name:"pam-changed" env:"CHAVEIRO_PAM_CHANGED" help:"Tell in the answers to upserts of devices whether they have changed something." note:"It is response.changed, for Ansible."`
	PAMPresentEnables  bool           `name:"pam-present-enables" env:"CHAVEIRO_PAM_PRESENT_ENABLES" help:"Let an upsert enable the device that it changes." note:"Without it response.detail says when the device is disabled."`
	CRLLife            time.Duration  `name:"crl-life" env:"CHAVEIRO_CRL_LIFE" least:"1h" needed:"yes" default:"720h" help:"Life of a CRL, from thisUpdate to nextUpdate; it is signed anew after two thirds of it, and at every revocation." note:"At least 1 h."`
	OCSPLife           time.Duration  `name:"ocsp-life" env:"CHAVEIRO_OCSP_LIFE" least:"2m" most:"168h" default:"10m" help:"Life of an answer of OCSP, from thisUpdate to nextUpdate; each is signed for the status of that moment." note:"2 min to 7 days."`
	OCSPGoodUnissued   bool           `name:"ocsp-good-unissued" env:"CHAVEIRO_OCSP_GOOD_UNISSUED" help:"Answer good instead of unknown for certificates that the CA has no record of." note:"For CAs that were imported without the certificates that they had issued."`
	EventLife          time.Duration  `name:"event-life" env:"CHAVEIRO_EVENT_LIFE" least:"1h" default:"2160h" help:"How long events are kept in the stream of events." note:"At least 1 h. The audit keeps what happened for longer."`
	SessionLife        time.Duration  `name:"session-life" env:"CHAVEIRO_SESSION_LIFE" least:"1h" default:"2160h" help:"How long the sessions of OpenVPN servers are listed after they have ended." note:"At least 1 h, and at most the newest million."`
	WebhookAllow       []netip.Prefix `name:"webhook-allow" env:"CHAVEIRO_WEBHOOK_ALLOW" help:"Networks (CIDR) that webhooks may be sent to beside public addresses; to these also without TLS." note:"Private, loopback and link-local addresses are refused otherwise, whatever name leads there."`
	WebhookCA          string         `name:"webhook-ca" env:"CHAVEIRO_WEBHOOK_CA" help:"PEM file of certificate authorities that endpoints of webhooks may have besides those of the system."`
	RSAWorkers         int            `name:"rsa-workers" env:"CHAVEIRO_RSA_WORKERS" least:"0" most:"1024" default:"0" help:"RSA keys made at once (0: half of the processors, at least one)." note:"Up to 1024."`
	DrainDelay         time.Duration  `name:"drain-delay" env:"CHAVEIRO_DRAIN_DELAY" least:"0s" default:"0s" help:"How long /readyz says no before the server stops accepting requests (0: not at all)."`
	ShutdownTimeout    time.Duration  `name:"shutdown-timeout" env:"CHAVEIRO_SHUTDOWN_TIMEOUT" default:"30s" help:"How long running requests may take to end." note:"Above 0."`
	AutoMigrate        bool           `name:"auto-migrate" env:"CHAVEIRO_AUTO_MIGRATE" help:"Migrate PostgreSQL at start; SQLite is always migrated."`
	RequestTimeout     time.Duration  `name:"request-timeout" env:"CHAVEIRO_REQUEST_TIMEOUT" least:"1s" most:"2m" default:"30s" help:"How long a request may take; RSA keys, imports and long lists have bounds of their own." note:"1 s to 2 min."`
	NewDatabase        bool           `name:"new-database" env:"CHAVEIRO_NEW_DATABASE" help:"Make a new database although the master key is there from an earlier one."`

	Level     *slog.LevelVar       `kong:"-"` // of the log; nil: it does not change
	Telemetry *telemetry.Telemetry `kong:"-"` // what is sent to a collector; nil: nothing

	Hangups <-chan os.Signal `kong:"-"` // each makes the server reload; nil: none comes
}

// The tags least and most of a field are its bounds. That of crl-life leaves time to notice that
// signing fails, that of event-life to those who follow events and were away, that of session-life
// to those who read lists. The highest ocsp-life is shorter than the time for which the certificate
// of a responder is good at least, signing-key-life limits the number of keys, the highest
// request-timeout is shorter than the time limit of a connection, and the standby is looked at once
// a second. The tag needed is of what has no default here, but in the flag alone.

const (
	defaultOCSPLife = 10 * time.Minute
	defaultReadLag  = 10 * time.Second
)

// Validate joins the faults of all fields.
func (c Config) Validate() error {
	faults := []error{
		c.StorageConfig.Validate(), c.MailConfig.Validate(), c.TelemetryConfig.Validate(),
		CheckExternalURL(c.ExternalURL),
	}
	if (c.TLSCertificate == "") != (c.TLSKey == "") {
		faults = append(faults, errors.New("tls-certificate and tls-key belong together"))
	}
	faults = append(faults, c.checkStandby())
	faults = append(faults, faultsOfBounds(c)...)
	return errors.Join(faults...)
}

// checkStandby checks the settings of the standby that lists are read from.
func (c Config) checkStandby() error {
	of := func(location string) bool { return store.EngineOf(location) == store.Postgres }
	if c.ReadURL != "" && !of(string(c.ReadURL)) {
		return errors.New("read-url is not postgres://…")
	}
	if c.ReadURL != "" && !of(c.Location()) {
		return errors.New("read-url needs PostgreSQL: database-url is not postgres://…")
	}
	return nil
}

// CheckExternalURL checks the setting external-url; empty is none.
func CheckExternalURL(external URL) error {
	u, err := url.Parse(string(external))
	if external != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("external-url is not an http or https URL")
	}
	return nil
}

// redactURL hides the password of a database URL, and its parameters, which may contain a password
// too. It shows nothing of a URL that is not understood: a password with a character of the syntax
// puts the parts in the wrong places.
func redactURL(location string) string {
	if store.EngineOf(location) == store.SQLite && !otherDatabase.MatchString(location) {
		return location
	}
	u, err := url.Parse(location)
	if err != nil || u.Fragment != "" || strings.Contains(u.Path, "@") || !strings.HasPrefix(u.Scheme, "postgres") {
		return "[redacted]"
	}
	if u.RawQuery != "" {
		u.RawQuery = "[redacted]"
	}
	return u.Redacted()
}
