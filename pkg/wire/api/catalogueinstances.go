package api

import (
	"maps"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// catalogue holds the texts of all reasons; a test checks that none is missing.
var catalogue = func() map[domain.Reason][languages]string {
	all := maps.Clone(commonTexts)
	maps.Copy(all, instanceTexts)
	maps.Copy(all, planTexts)
	maps.Copy(all, enrolmentTexts)
	maps.Copy(all, profileTexts)
	maps.Copy(all, campaignTexts)
	maps.Copy(all, userTexts)
	maps.Copy(all, agentTexts)
	maps.Copy(all, sessionTexts)
	maps.Copy(all, eventTexts)
	maps.Copy(all, mailTexts)
	maps.Copy(all, keyStoreTexts)
	maps.Copy(all, webhookTexts)
	return all
}()

// instanceTexts are those of the reasons of instances and their models.
var instanceTexts = map[domain.Reason][languages]string{
	domain.ReasonEndpoint: {
		"Remoto inválido: use vpn.example.com, vpn.example.com:1194, tcp://192.0.2.1:443 ou [2001:db8::1]:1194.",
		"Not a remote: use vpn.example.com, vpn.example.com:1194, tcp://192.0.2.1:443 or [2001:db8::1]:1194.",
	},
	domain.ReasonNetworkSize: {"Tamanho inválido: use de /%d a /%d.", "Wrong size: use /%d to /%d."},
	domain.ReasonFamily:      {"Informe uma rede IPv%d.", "Give a network of IPv%d."},
	domain.ReasonPoolOrder: {
		"O fim da faixa vem antes do seu início.", "The pool ends before it begins.",
	},
	domain.ReasonPortTaken: {
		"A instância %s usa esta porta e este protocolo no mesmo gateway.",
		"The instance %s has this port and protocol on the same gateway.",
	},
	domain.ReasonKeepalive: {
		"Informe pelo menos o dobro de keepalive_interval.", "Give at least twice keepalive_interval.",
	},
	domain.ReasonNoIPv6: {
		"O túnel não tem IPv6: informe network_v6.", "The tunnel has no IPv6: give network_v6.",
	},
	domain.ReasonUnsupported: {"Este valor não é suportado.", "This value is not supported."},
	domain.ReasonOutsideSites: {
		"O endereço %s, do site %s, não caberia nesta rede.", "The address %s of the site %s would not fit into this network.",
	},
	domain.ReasonPoolOfSites: {
		"O endereço %s, do site %s, está nesta faixa.", "The address %s of the site %s is in this pool.",
	},
	domain.ReasonHasSites: {
		"Há sites ou usuários configurados nesta instância.", "Sites or users have configs at this instance.",
	},
	domain.ReasonTemplate: {"Linha %d, coluna %d do modelo: %s", "Line %d, column %d of the model: %s"},
	domain.ReasonTemplateOf: {
		"O modelo não serviria mais à instância %s. Linha %d, coluna %d: %s",
		"The model would not do for the instance %s any more. Line %d, column %d: %s",
	},
	domain.ReasonDirective: {"Linha %d, coluna %d, %s: %s", "Line %d, column %d, %s: %s"},
	domain.ReasonRenewEarly: {
		"O novo certificado não terminaria depois do atual, em %s.",
		"The new certificate would not end later than the present one, at %s.",
	},
}

// directiveTexts say why a directive of OpenVPN is refused, by the reason of package openvpn.
var directiveTexts = map[string][languages]string{
	"line-too-long":        {"a linha é longa demais para o OpenVPN", "the line is too long for OpenVPN"},
	"control-character":    {"há um caractere de controle", "there is a control character"},
	"invalid-utf8":         {"o texto não é UTF-8 válido", "the text is not valid UTF-8"},
	"bad-backslash":        {`use a barra invertida só antes de outra, de aspas ou de espaço`, `use a backslash only before another one, a double quote or a space`},
	"unclosed-quote":       {"faltam as aspas finais", "a quote is not closed"},
	"too-many-parameters":  {"há palavras demais", "there are too many words"},
	"unclosed-block":       {"o bloco não tem fim", "the block has no closing tag"},
	"text-after-block":     {"há texto depois do fim do bloco", "there is text after the closing tag"},
	"block-ends-itself":    {"o texto do bloco contém o seu fim", "the text of the block has the closing tag in it"},
	"bad-name":             {"não pode ser o nome de uma diretiva", "this can't be the name of a directive"},
	"unknown-directive":    {"o OpenVPN não conhece esta diretiva", "OpenVPN knows no such directive"},
	"wrong-parameters":     {"número de parâmetros incorreto", "too few or too many parameters"},
	"not-a-block":          {"não pode ser um bloco", "it can't be a block"},
	"not-here":             {"o OpenVPN não a aceita aqui", "OpenVPN does not accept it here"},
	"runs-programs":        {"executa programas", "it runs programs or loads code"},
	"uses-files":           {"lê ou grava arquivos", "it reads or writes files"},
	"opens-management":     {"abre a interface de gerência", "it opens or changes the management interface"},
	"hides-directives":     {"muda a leitura de outras diretivas", "it changes how others are read"},
	"rules-the-process":    {"muda a execução do processo", "it changes how the process runs"},
	"standalone":           {"é uma opção da linha de comando", "it is an option of the command line"},
	"owned-by-the-service": {"o serviço a escreve", "the service writes it itself"},
	"internal":             {"o OpenVPN a envia por si", "OpenVPN sends it by itself"},
	"removed":              {"foi removida do OpenVPN", "OpenVPN has removed it"},
	"weakens-security":     {"enfraquece a segurança do túnel", "it weakens the security of the tunnel"},
	"compression": {
		"compressão revela o conteúdo do túnel (VORACLE)", "compression lets others guess what is in the tunnel (VORACLE)",
	},
	"comma-in-push": {"uma opção enviada não pode ter vírgula", "an option that is pushed can't have a comma"},
	"empty-push":    {"não há opção a enviar", "there is no option to push"},
	"another-file":  {"o arquivo não é o dos valores do modelo", "the file is not the one that the values of the model name"},
}

// directiveText translates the reason of a refused directive.
func directiveText(reason string, lang language) string {
	if texts, known := directiveTexts[reason]; known {
		return texts[lang]
	}
	return reason
}
