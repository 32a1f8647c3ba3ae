package enrol

import "strings"

// texts are the words of the page in one language.
type texts struct {
	Lang, Title, Intro, At, Until, PIN, PINHelp, Format, Fetch, FetchHelp, Router, RouterHelp, Request, KeyFile, Send,
	Gone, GoneHelp, Once string
	// UserIntro and UserHelp take the place of Intro and FetchHelp for a user.
	UserIntro, UserHelp string
}

var (
	portuguese = texts{
		Lang: "pt-BR", Title: "Perfil de VPN", Intro: "Perfil do site", At: "na instância", Until: "Este link vale até",
		PIN: "PIN", PINHelp: "Quem enviou o link também informou um PIN.", Format: "Equipamento",
		Fetch:     "Baixar o perfil",
		FetchHelp: "O arquivo contém a chave privada do site. Instale-o no equipamento e apague a cópia.",
		Router:    "A chave já foi gerada no equipamento",
		RouterHelp: "Cole aqui a requisição de certificado (CSR) feita no equipamento. Assim a chave privada não sai " +
			"dele, e o perfil vem sem chave.",
		Request: "Requisição (PEM)", KeyFile: "Arquivo da chave no equipamento", Send: "Enviar e baixar o perfil",
		Gone: "Este link não vale.", GoneHelp: "Peça outro a quem o enviou.",
		Once:      "O link só pode ser usado uma vez. Abrir esta página não o gasta.",
		UserIntro: "Perfil de",
		UserHelp: "O arquivo contém a sua chave privada. Importe-o no OpenVPN do seu computador ou celular e apague " +
			"a cópia.",
	}
	english = texts{
		Lang: "en", Title: "VPN profile", Intro: "Profile of the site", At: "at the instance",
		Until: "This link is good until", PIN: "PIN", PINHelp: "Whoever sent the link has told you a PIN, too.",
		Format: "Device", Fetch: "Download the profile",
		FetchHelp: "The file has the private key of the site. Install it on the device, and delete the copy.",
		Router:    "The key was made on the device already",
		RouterHelp: "Paste the certificate request (CSR) that was made on the device. Then the private key never " +
			"leaves it, and the profile comes without one.",
		Request: "Request (PEM)", KeyFile: "File of the key on the device", Send: "Send it and download the profile",
		Gone: "This link is not valid.", GoneHelp: "Ask whoever sent it for another one.",
		Once:      "The link can be used once. Opening this page does not use it.",
		UserIntro: "Profile of",
		UserHelp:  "The file has your private key. Import it into OpenVPN on your PC or phone, and delete the copy.",
	}
)

// textsOf picks the language that an Accept-Language header names first; Portuguese if it names
// neither.
func textsOf(acceptLanguage string) texts {
	for part := range strings.SplitSeq(strings.ToLower(acceptLanguage), ",") {
		switch tag := strings.TrimSpace(part); {
		case strings.HasPrefix(tag, "pt"):
			return portuguese
		case strings.HasPrefix(tag, "en"):
			return english
		}
	}
	return portuguese
}
