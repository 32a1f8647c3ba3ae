package api

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn"
)

// arguments are those that each reason has; a reason that is not here has none.
var arguments = map[domain.Reason][]any{
	domain.ReasonType:         {"string"},
	domain.ReasonOneOf:        {"certificates, archive"},
	domain.ReasonOtherIssuer:  {"CN=antiga"},
	domain.ReasonOtherPKI:     {"CN=antiga"},
	domain.ReasonArchiveSize:  {24},
	domain.ReasonCharset:      {"A-Z"},
	domain.ReasonTooShort:     {uint64(1)},
	domain.ReasonTooLong:      {30},
	domain.ReasonTooSmall:     {int64(1)},
	domain.ReasonTooLarge:     {7300},
	domain.ReasonChoice:       {"a, b"},
	domain.ReasonNoSooner:     {time.Date(2030, 1, 2, 3, 4, 5, 6, time.FixedZone("", -3*3600))},
	domain.ReasonBeyondCA:     {time.Date(2030, 1, 2, 3, 4, 5, 6, time.FixedZone("", -3*3600))},
	domain.ReasonNoName:       {64},
	domain.ReasonDuration:     {"P7300D"},
	domain.ReasonEither:       {"serial, cert"},
	domain.ReasonPasswordLong: {1023},
	domain.ReasonConstraint:   {"dNSName .example.com"},
	domain.ReasonContentType:  {"application/json"},
	domain.ReasonBodySize:     {int64(262144)},
	domain.ReasonTooMany:      {uint64(64)},
	domain.ReasonScope:        {"openvpn.cas", "read"},
	domain.ReasonLimit:        {30},
	domain.ReasonQuote:        {3, 17},
	domain.ReasonShortName:    {"a.example.com, a.example.net"}, domain.ReasonColumn: {"hostname"},
	domain.ReasonField:         {"expiration"},
	domain.ReasonParameter:     {"size"},
	domain.ReasonParameters:    {"cursor, size"},
	domain.ReasonCells:         {6},
	domain.ReasonCRLPartial:    {"indirectCRL"},
	domain.ReasonCRLCritical:   {"1.2.3.4"},
	domain.ReasonKeyEncryption: {"SEED-CBC"},
	domain.ReasonKeyIterations: {"5000001", int64(5_000_000)},
	domain.ReasonKeyScrypt:     {"N·r·p", "2^70", int64(1 << 20)},
	domain.ReasonKeyBits:       {"16384", int64(8192)},
	domain.ReasonHostBits:      {"10.1.2.3/24", "10.1.2.0/24"},
	domain.ReasonNeverRouted:   {"127.0.0.0/8"},
	domain.ReasonOutsideTunnel: {"10.8.0.0/24"}, domain.ReasonNetworkAddress: {"10.8.0.0/24"},
	domain.ReasonBroadcast: {"10.8.0.0/24"}, domain.ReasonInPool: {"10.8.0.9", "10.8.0.20"},
	domain.ReasonAddressTaken: {"filial (matriz)"}, domain.ReasonTunnelFull: {"10.8.0.0/24"}, domain.ReasonNoTunnel: {6},
	domain.ReasonOverlapLAN:    {"10.1.0.0/24", "filial (matriz)", "10.1.0.0/16", "loja (matriz)"},
	domain.ReasonOverlapTunnel: {"10.8.0.0/25", "filial (matriz)", "10.8.0.0/24", "matriz"},
	domain.ReasonOverlapOwn:    {"10.1.5.0/24", "10.1.0.0/16"}, domain.ReasonOwnLAN: {"10.1.0.0/16"},
	domain.ReasonMappedSize: {24}, domain.ReasonOtherCA: {"ca-1", "ca-2"},
	domain.ReasonKeyStore: {"database, hsm"}, domain.ReasonKeyStays: {"pkcs11:token=chaveiro;object=ca"},
	domain.ReasonEventType: {"ca.exploded"}, domain.ReasonMailRecipients: {200}, domain.ReasonWebhookMany: {200},
	domain.ReasonKit: {"routeros", domain.Lack("TLS 1.3 not supported"), "tls_profile"}, domain.ReasonPIN: {3},
	domain.ReasonCampaignStale: {2}, domain.ReasonMoveStale: {2},
	domain.ReasonNetworkSize: {16, 29}, domain.ReasonFamily: {4}, domain.ReasonPortTaken: {"matriz"},
	domain.ReasonOutsideSites: {"10.8.0.2", "filial"}, domain.ReasonPoolOfSites: {"10.8.0.2", "filial"},
	domain.ReasonTemplate: {3, 5, "no such value"}, domain.ReasonTemplateOf: {"matriz", 3, 5, "no such value"},
	domain.ReasonDirective: {1, 1, "up", "runs-programs"}, domain.ReasonRenewEarly: {time.Unix(0, 0)},
	domain.ReasonCRLFuture: {time.Date(2030, 1, 2, 3, 4, 5, 6, time.FixedZone("", -3*3600))},
}

var verb = regexp.MustCompile(`%[^%]`)

func TestCatalogue_IsCompleteInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, reason := range domain.Reasons() {
		for lang := range languages {
			text := catalogue[reason][lang]
			if strings.TrimSpace(text) == "" {
				t.Errorf("%q has no text in language %d", reason, lang)
			}
			if verbs := len(verb.FindAllString(text, -1)); verbs != len(arguments[reason]) {
				t.Errorf("%q has %d verbs in language %d for %d arguments", reason, verbs, lang, len(arguments[reason]))
			}
			if got := message(domain.Fault(domain.Invalid, "x", reason, arguments[reason]...), lang); strings.Contains(
				got, "%!",
			) || got == "" {
				t.Errorf("%q becomes %q in language %d", reason, got, lang)
			}
		}
		if texts := catalogue[reason]; texts[portuguese] == texts[english] {
			t.Errorf("%q is not translated", reason)
		}
	}
	if len(catalogue) != len(domain.Reasons()) {
		t.Error("the catalogue has texts of reasons that do not exist")
	}
	for lang, text := range internalError {
		if text == "" {
			t.Errorf("there is no text for failures in language %d", lang)
		}
	}
}

func TestMessage_TimesAreUTC(t *testing.T) {
	t.Parallel()
	fault := domain.Fault(domain.Rule, "expiration", domain.ReasonBeyondCA, arguments[domain.ReasonBeyondCA]...)
	want := "The certificate would end after its CA; it can last until 2030-01-02T06:04:05Z."
	if got := message(fault, english); got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestLanguageOf(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]language{
		"":                              portuguese,
		"pt":                            portuguese,
		"pt-BR":                         portuguese,
		"en":                            english,
		"EN-us":                         english,
		" en ; q=0.8 ":                  english,
		"*":                             portuguese,
		"de":                            portuguese,
		"de, en;q=0.1":                  english,
		"pt;q=0.4, en;q=0.5":            english,
		"en;q=0.4, pt;q=0.5":            portuguese,
		"en, pt":                        english, // of equal weights the first counts
		"pt, en":                        portuguese,
		"en;q=0":                        portuguese,
		"en;q=0, pt;q=0":                portuguese,
		"en;Q=0.1, pt;Q=0.2":            portuguese,
		"en;q=x":                        portuguese,
		"en;q=NaN":                      portuguese,
		"en;q=-1":                       portuguese,
		"en;q=":                         portuguese,
		"english":                       portuguese,
		"enx-US":                        portuguese,
		",,,;;=,en":                     english,
		"en\x00":                        portuguese,
		"*;q=0.5, en;q=0.6":             english,
		"pt-BR,pt;q=0.9,en-US;q=0.8":    portuguese,
		"en-US,en;q=0.9,pt-BR;q=0.8":    english,
		"fr-CH, fr;q=0.9, en;q=0.8, de": english,
	} {
		if got := languageOf(header); got != want {
			t.Errorf("languageOf(%q) = %d, not %d", header, got, want)
		}
	}
}

func FuzzLanguageOf(f *testing.F) {
	for _, seed := range []string{"", "en", "pt-BR,pt;q=0.9,en;q=0.8", "*;q=0.5", "en;q=1e9,pt;q=Inf", ";,;q=,-"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got := languageOf(header)
		if got != portuguese && got != english {
			t.Fatalf("language %d", got)
		}
		if got == english && !strings.Contains(strings.ToLower(header), "en") {
			t.Fatalf("English for %q", header)
		}
		if languageOf("de;q=1, "+header) != got {
			t.Fatal("an unknown language changes the choice")
		}
	})
}

// TestMessage_TypesInPortuguese: every type of JSON has its words.
func TestMessage_TypesInPortuguese(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"integer": "um número inteiro", "number": "um número", "string": "um texto", "boolean": "true ou false",
		"array": "uma lista", "object": "um objeto",
		"null": "null", "integer, object": "um número inteiro ou um objeto",
	} {
		if got := message(
			domain.Fault(domain.Invalid, "x", domain.ReasonType, kind), portuguese,
		); got != "Tipo inválido: informe "+want+"." {
			t.Errorf("%s: %q", kind, got)
		}
		if got := message(domain.Fault(domain.Invalid, "x", domain.ReasonType, kind), english); got != "Wrong type: "+
			kind+" expected." {
			t.Errorf("%s: %q", kind, got)
		}
	}
	placed := domain.Fault(domain.Required, "ip", domain.ReasonRequired)
	placed.Line = 3
	if got := message(placed, portuguese) +
		message(placed, english); got != "Linha 3: Campo obrigatório.Line 3: This field is required." {
		t.Errorf("%q", got)
	}
}

func TestDirectiveTexts_AreComplete(t *testing.T) {
	t.Parallel()
	for _, reason := range openvpn.Reasons() {
		for lang := range languages {
			if got := directiveText(string(reason), lang); got == string(reason) {
				t.Errorf("%q has no text in language %d", reason, lang)
			}
		}
	}
	if len(directiveTexts) != len(openvpn.Reasons()) {
		t.Error("there are texts of reasons that do not exist")
	}
}
