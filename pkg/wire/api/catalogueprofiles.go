package api

import "github.com/chaveiro/chaveiro/pkg/domain"

// profileTexts are the texts of profiles whose private key is not kept here.
var profileTexts = map[domain.Reason][languages]string{
	domain.ReasonKeyElsewhere: {
		"A chave privada não está guardada aqui: o certificado foi importado ou pedido sem ela. Baixe o perfil com key=false; " +
			"ele usa o arquivo da chave que está no site.",
		"The private key is not kept here: the certificate was imported, or asked for without it. Fetch the profile with " +
			"key=false; it then names the file of the key that the site has.",
	},
	domain.ReasonKeyAtSite: {
		"A chave privada deste site não está guardada aqui. Envie uma requisição de certificado (CSR) feita no equipamento, " +
			"ou use chaveiro enrol.",
		"The private key of this site is not kept here. Send a certificate request (CSR) that was made on the router, " +
			"or use chaveiro enrol.",
	},
}
