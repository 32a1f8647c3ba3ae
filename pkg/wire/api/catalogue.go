package api

import "github.com/chaveiro/chaveiro/pkg/domain"

// commonTexts are those of the reasons of all resources.
var commonTexts = map[domain.Reason][languages]string{
	domain.ReasonRequired: {"Campo obrigatório.", "This field is required."},
	domain.ReasonType:     {"Tipo inválido: informe %s.", "Wrong type: %s expected."},
	domain.ReasonFormat:   {"Formato inválido.", "Wrong format."},
	domain.ReasonCharset:  {"Caracteres permitidos: %s", "Allowed characters: %s"},
	domain.ReasonControl: {
		"Caracteres de controle não são permitidos.", "Control characters are not allowed.",
	},
	domain.ReasonTooShort: {"Tamanho mínimo: %d.", "Minimum length: %d."},
	domain.ReasonTooLong:  {"Tamanho máximo: %d.", "Maximum length: %d."},
	domain.ReasonTooSmall: {"Valor mínimo: %d.", "Minimum value: %d."},
	domain.ReasonTooLarge: {"Valor máximo: %d.", "Maximum value: %d."},
	domain.ReasonChoice:   {"Valores possíveis: %s.", "Possible values: %s."},
	domain.ReasonEmail:    {"E-mail inválido.", "Not an e-mail address."},
	domain.ReasonCountry: {
		"País inválido: use o código de duas letras (ISO 3166).",
		"Not a country: use the code of two letters (ISO 3166).",
	},
	domain.ReasonDate:   {"Data inválida: use ISO 8601.", "Not a date: use ISO 8601."},
	domain.ReasonFuture: {"A data está no futuro.", "The date is in the future."},
	domain.ReasonDuration: {
		"Duração inválida: use ISO 8601, de 0 a %s, como P30D ou PT12H.",
		"Not a duration: use ISO 8601, from 0 to %s, such as P30D or PT12H.",
	},
	domain.ReasonSerial: {
		"Número de série inválido: use hexadecimal, com ou sem dois-pontos, ou decimal.",
		"Not a serial number: use hex, with or without colons, or decimal.",
	},
	domain.ReasonSerialTwoWays: {
		"Ambíguo e desconhecido aqui: informe em hexadecimal com dois-pontos ou 0x, ou envie o certificado.",
		"Ambiguous, and not known here: give it in hex with colons or 0x, or send the certificate.",
	},
	domain.ReasonArchived: {
		"O certificado terminou há muito tempo e está no arquivo.", "The certificate ended long ago, and is in the archive.",
	},
	domain.ReasonEither:     {"Informe um destes campos: %s.", "Give one of these fields: %s."},
	domain.ReasonReserved:   {"Nome reservado pelo OpenVPN.", "OpenVPN reserves this name."},
	domain.ReasonDuplicated: {"Já existe um item com este valor.", "An item with this value exists already."},
	domain.ReasonTwice:      {"Item repetido na lista.", "Given twice in the list."},
	domain.ReasonTooMany:    {"Itens demais: no máximo %d.", "Too many items: at most %d."},
	domain.ReasonNetwork: {
		"Endereço ou rede inválidos: use 192.0.2.7 ou 192.0.2.0/24.",
		"Not an address or network: use 192.0.2.7 or 192.0.2.0/24.",
	},
	domain.ReasonPort: {"Porta inválida: informe um valor de 1 a 65535.", "Not a port: use 1 to 65535."},
	domain.ReasonRemote: {
		"Expressão inválida: use Conectividade:Esperado:Preenchimento.",
		"Not an expression: use Connectivity:Expected:Fill.",
	},
	domain.ReasonActive: {"O dispositivo já está ativo.", "The device is already active."},
	domain.ReasonInUse: {
		"O item está em uso e não pode ser excluído.", "The item is in use and can't be deleted.",
	},
	domain.ReasonReadOnly:    {"Acesso somente para leitura.", "Read-only access."},
	domain.ReasonResource:    {"Recurso não autorizado.", "Resource not authorized."},
	domain.ReasonSignature:   {"Assinatura inválida.", "Invalid signature."},
	domain.ReasonNonce:       {"Nonce já utilizado.", "Nonce used before."},
	domain.ReasonNotFound:    {"Não encontrado.", "Not found."},
	domain.ReasonNotEditable: {"Campo não editável.", "This field can't be changed."},
	domain.ReasonShortName: {
		"Nome curto de mais de um domínio (%s): informe o nome completo.",
		"The short name of more than one domain (%s): give the full name.",
	},
	domain.ReasonBeyondCA: {
		"O certificado expiraria depois da sua CA; a data máxima é %s.",
		"The certificate would end after its CA; it can last until %s.",
	},
	domain.ReasonLikeCA: {
		"O certificado teria o mesmo nome (subject) da sua CA, e o OpenSSL o tomaria por autoassinado: use outro nome.",
		"The certificate would have the same subject as its CA, and OpenSSL would take it for self-signed: use another name.",
	},
	domain.ReasonSelf: {
		"Isto tiraria as suas próprias permissões; se for o que você quer, repita com self=true.",
		"This would take away your own rights; if that is what you want, repeat it with self=true.",
	},
	domain.ReasonOtherRequest: {
		"Esta chave já foi usada em outra requisição.", "This key was used for another request.",
	},
	domain.ReasonCAExpired: {"A CA expirou.", "The CA has expired."},
	domain.ReasonCAInUse: {
		"A CA tem certificados e não pode ser excluída.", "The CA has certificates and can't be deleted.",
	},
	domain.ReasonOfRequest: {
		"Não se aplica com csr: a chave é a do pedido e fica com quem o fez.",
		"It has no place beside csr: the key is that of the request, and stays where it is.",
	},
	domain.ReasonCSR: {
		"Não é um pedido de certificado (PKCS #10) em PEM.", "Not a certificate request (PKCS #10) in PEM.",
	},
	domain.ReasonPossession: {
		"O pedido não foi assinado com a própria chave.", "The request is not signed with its own key.",
	},
	domain.ReasonHostname: {
		"Nome de host ou endereço IP inválido, repetido ou em excesso (no máximo 100).",
		"Not a host name or IP address, given twice, or more than 100.",
	},
	domain.ReasonConstraint: {
		"A CA não permite este nome (name constraints: %s).", "The CA does not allow this name (name constraints: %s).",
	},
	domain.ReasonNoIssuer: {
		"Falta o certificado do emissor de uma CA: envie a cadeia até a raiz.",
		"The issuer's certificate of a CA is missing: send the chain up to the root.",
	},
	domain.ReasonUnrelated: {
		"Há um certificado que não faz parte da cadeia da CA.", "There is a certificate that is not part of the chain of the CA.",
	},
	domain.ReasonConstrained: {
		"Um nome do certificado não é permitido pelos name constraints da CA ou de uma acima dela.",
		"The name constraints of the CA, or of one above it, do not allow a name of the certificate.",
	},
	domain.ReasonPathLength: {
		"A CA não permite outra CA abaixo dela (path length).", "The CA does not allow another CA below it (path length).",
	},
	domain.ReasonOnlyNewKey: {
		"Só com uma chave nova (key: new).", "Only with a new key (key: new).",
	},
	domain.ReasonOfCertificate: {
		"O certificado enviado (cert) já o determina: deixe o campo de fora.",
		"The certificate that was sent (cert) says that already: leave the field out.",
	},
	domain.ReasonOtherKey: {
		"O certificado é de outra chave, não da chave da CA.", "The certificate is for another key than that of the CA.",
	},
	domain.ReasonOtherSubject: {
		"O certificado tem outro subject ou outro identificador de chave que o da CA.",
		"The certificate has another subject or key identifier than that of the CA.",
	},
	domain.ReasonSucceeded: {
		"Outra CA já tomou o lugar desta.", "Another CA has taken the place of this one already.",
	},
	domain.ReasonSuccession: {
		"Uma CA desta sucessão já tem esse nome no certificado.",
		"A CA of this succession has that name in its certificate already.",
	},
	domain.ReasonNoSooner: {
		"O novo certificado não pode terminar antes do atual, que vale até %s.",
		"The next certificate must not end before the present one, which ends on %s.",
	},
	domain.ReasonNotInForce: {
		"O cliente está revogado ou suspenso. Renove-o sozinho para que volte a valer.",
		"The client is revoked or suspended. Renew it alone to bring it back.",
	},
	domain.ReasonOneOf: {"Informe só um destes campos: %s.", "Give only one of these fields: %s."},
	domain.ReasonOtherIssuer: {
		"O certificado não foi assinado por esta CA: seu emissor é %s.",
		"This CA did not sign the certificate: its issuer is %s.",
	},
	domain.ReasonOtherPKI: {
		"O arquivo é de outra CA: %s. Importe-a primeiro, ou escolha a CA dele.",
		"The archive is of another CA: %s. Import that one first, or choose the archive's CA.",
	},
	domain.ReasonBase64: {"Não é base64.", "It is not base64."},
	domain.ReasonArchive: {
		"Não é um arquivo zip nem tar.gz inteiro.", "It is not a whole zip or tar.gz archive.",
	},
	domain.ReasonArchivePath: {
		"O nome deste arquivo leva para fora do pacote, ou tem caracteres de controle.",
		"The name of this file leads out of the archive, or has control characters.",
	},
	domain.ReasonArchiveLocked: {
		"O pacote é cifrado com senha: envie-o sem senha. As chaves dentro dele podem ter senhas.",
		"The archive is encrypted with a password: send it without one. The keys in it may have passwords.",
	},
	domain.ReasonArchiveSize: {
		"O pacote, ou o que há nele, é grande demais: no máximo %d MiB. Envie só certificados, chaves, índice e lista.",
		"The archive, or what is in it, is too large: at most %d MiB. Send certificates, keys, index and list only.",
	},
	domain.ReasonArchiveEmpty: {
		"Não há certificados, listas nem índice para importar.",
		"There are no certificates, lists or index to import.",
	},
	domain.ReasonArchiveLink: {
		"É um link ou um arquivo especial: estes não são lidos.", "It is a link or a special file: these are not read.",
	},
	domain.ReasonArchiveNested: {
		"É um pacote dentro do pacote, que não é lido: envie-o sozinho.",
		"It is an archive in the archive, which is not read: send it by itself.",
	},
	domain.ReasonIndexRow: {
		"Esta linha de index.txt não pode ser lida: são seis colunas separadas por tabulação.",
		"This row of index.txt can't be read: there must be six columns divided by tabs.",
	},
	domain.ReasonFileUnread: {"O arquivo não pode ser lido.", "The file can't be read."},
	domain.ReasonPKCS12: {
		"Não é um arquivo PKCS#12 protegido por senha.", "It is not a PKCS#12 file that is protected by a password.",
	},
	domain.ReasonImportTime: {
		"O tempo de uma requisição não basta, por causa das chaves cifradas: envie menos de cada vez.",
		"The time of a request does not suffice, because of the encrypted keys: send fewer at a time.",
	},
	domain.ReasonOutOfTime: {
		"O tempo da requisição acabou antes deste arquivo. Peça-o de novo.",
		"The time of the request ended before this file. Ask for it again.",
	},
	domain.ReasonIDsAlone: {
		"Informe ids ou os outros filtros, não ambos.", "Give ids or the other filters, not both.",
	},
	domain.ReasonRevoked: {
		"O certificado foi revogado definitivamente. Renove o cliente para que volte a valer.",
		"The certificate is revoked for good. Renew the client to bring it back.",
	},
	domain.ReasonNoKey: {
		"A chave privada não está guardada aqui: o certificado foi importado ou pedido sem ela.",
		"The private key is not kept here: the certificate was imported or requested without it.",
	},
	domain.ReasonPasswordFixed: {
		"A senha faz parte da chave e não pode ser alterada.", "The password belongs to the key and can't be changed.",
	},
	domain.ReasonPasswordRequired: {
		"A chave está criptografada: informe a senha.", "The key is encrypted: its password is required.",
	},
	domain.ReasonPasswordWrong: {"Senha incorreta para esta chave.", "The password does not open the key."},
	domain.ReasonPEM: {
		"PEM inválido: não há um bloco -----BEGIN … END----- inteiro.", "Not a PEM: there is no whole block -----BEGIN … END-----.",
	},
	domain.ReasonOtherPEM: {
		"É um PEM de outro tipo: informe o bloco que este campo pede.",
		"A PEM of another kind: give the block that this field asks for.",
	},
	domain.ReasonFileSize: {
		"Arquivo grande demais: no máximo 64 KiB.", "The file is too large: at most 64 KiB.",
	},
	domain.ReasonContent: {
		"O bloco PEM está inteiro, mas o conteúdo não é o que o rótulo diz: exporte-o de novo.",
		"The PEM block is whole, but its content is not what its label says: export it again.",
	},
	domain.ReasonCertDates: {
		"As datas de validade não seguem o X.509 (RFC 5280), e o OpenVPN recusa o certificado.",
		"The dates of the validity are not those of X.509 (RFC 5280), and OpenVPN refuses the certificate.",
	},
	domain.ReasonNameText: {
		"Um nome do certificado tem caracteres que não existem, e o OpenVPN recusa o certificado.",
		"A name of the certificate has characters that do not exist, and OpenVPN refuses the certificate.",
	},
	domain.ReasonLongSerial: {
		"O número de série tem mais de 64 octetos.", "The serial number has more than 64 octets.",
	},
	domain.ReasonPasswordLong: {
		"O OpenVPN lê no máximo %d octetos desta senha: use uma mais curta.",
		"OpenVPN reads at most %d octets of this password: use a shorter one.",
	},
	domain.ReasonOnePEM: {"Informe um único bloco PEM.", "Give exactly one PEM block."},
	domain.ReasonKeyWeak: {
		"Chave fraca: RSA a partir de 2048 bits, curvas a partir de P-256.",
		"Weak key: RSA from 2048 bits, curves from P-256.",
	},
	domain.ReasonKeyUnsupported: {
		"Tipo de chave não suportado: use RSA, ECDSA ou Ed25519.", "Key type not supported: use RSA, ECDSA or Ed25519.",
	},
	domain.ReasonKeyEncryption: {
		"Criptografia da chave não suportada (%s): converta com openssl pkcs8 -in velha.key -topk8 -v2 aes256 -out nova.key -provider legacy -provider default.", "Key encryption not supported (%s): convert with openssl pkcs8 -in old.key -topk8 -v2 aes256 -out new.key -provider legacy -provider default.",
	},
	domain.ReasonKeyIterations: {
		"A chave pede %s iterações para ser aberta; o máximo é %d.",
		"The key takes %s iterations to open; the maximum is %d.",
	},
	domain.ReasonKeyScrypt: {
		"A chave pede scrypt com %s = %s; o máximo é %d.",
		"The key takes scrypt with %s = %s to open; the maximum is %d.",
	},
	domain.ReasonKeyBits: {
		"A chave RSA tem %s bits; o máximo é %d.", "The RSA key has %s bits; the maximum is %d.",
	},
	domain.ReasonKeyMismatch: {
		"A chave não pertence ao certificado.", "The key does not belong to the certificate.",
	},
	domain.ReasonWeakSignature: {"Assinatura fraca (MD5 ou SHA-1).", "Weak signature (MD5 or SHA-1)."},
	domain.ReasonNotCA: {
		"O certificado não é de uma CA habilitada a assinar.", "Not the certificate of a CA that may sign.",
	},
	domain.ReasonSeveralCAs: {
		"Há certificados de mais de uma CA.", "There are certificates of more than one CA.",
	},
	domain.ReasonIsCA: {
		"É um certificado de CA; informe o de um cliente.", "This is a CA certificate; give that of a client.",
	},
	domain.ReasonNotSignedByCA: {
		"O certificado não foi assinado por esta CA.", "This CA did not sign the certificate.",
	},
	domain.ReasonNotClient: {
		"O certificado não é válido para autenticação de clientes.",
		"The certificate is not for client authentication.",
	},
	domain.ReasonNoName: {
		"O nome comum (CN) do certificado não pode ser usado: está vazio, tem mais de %d caracteres ou caracteres de controle.",
		"The certificate's common name can't be used: it is empty, has more than %d characters, or control characters.",
	},
	domain.ReasonCRL: {"Não é uma CRL desta CA.", "Not a CRL of this CA."},
	domain.ReasonCRLSigner: {
		"A lista é de outra CA: o emissor ou a assinatura não confere.",
		"The list is another CA's: its issuer or its signature does not match.",
	},
	domain.ReasonCRLPartial: {
		"A lista não cobre todos os certificados da CA (%s): informe a lista completa.",
		"The list does not cover all certificates of the CA (%s): give the complete one.",
	},
	domain.ReasonCRLCritical: {
		"A lista tem uma extensão crítica desconhecida (%s).",
		"The list has a critical extension that is not known (%s).",
	},
	domain.ReasonCRLFuture: {"A lista só vale a partir de %s.", "The list is valid only from %s."},
	domain.ReasonCRLSerial: {
		"Um número da lista tem mais de 64 octetos.", "A number in the list has more than 64 octets.",
	},
	domain.ReasonCritical: {
		"O certificado tem uma extensão crítica desconhecida.",
		"The certificate has a critical extension that is not known.",
	},
	domain.ReasonOnlyRevoked:    {"Permitido somente quando revoked é true.", "Allowed only with revoked."},
	domain.ReasonGrant:          {"grant_type desconhecido.", "Unknown grant_type."},
	domain.ReasonCredential:     {"Credencial ausente ou inválida.", "No valid credential."},
	domain.ReasonTwoCredentials: {"Informe uma única credencial.", "Give one credential only."},
	domain.ReasonScope:          {"Acesso não permitido: requer %s (%s).", "Access denied: requires %s (%s)."},
	domain.ReasonPasswordName: {
		"A senha não pode conter o nome de usuário.", "The password must not contain the user name.",
	},
	domain.ReasonPasswordCommon: {
		"Senha comum demais: é feita só de palavras ou sequências que se tentam primeiro.",
		"Too common a password: it is made only of words or sequences that are tried first.",
	},
	domain.ReasonBeyondLimits: {
		"Acesso não permitido: não pode ir além das restrições da sua própria chave.",
		"Access denied: that goes beyond the restrictions of your own key.",
	},
	domain.ReasonBeyondOwn: {
		"Acesso não permitido: exige mais permissões do que as suas.",
		"Access denied: that takes more rights than your own.",
	},
	domain.ReasonAddress: {"Acesso não permitido a partir deste endereço.", "Access denied from this address."},
	domain.ReasonCrossSite: {
		"Acesso não permitido: a requisição veio de outro site.", "Access denied: the request comes from another site.",
	},
	domain.ReasonLimit: {
		"Muitas requisições: tente novamente em %d s.", "Too many requests: try again in %d s.",
	},
	domain.ReasonLastSuperuser: {
		"É necessário manter ao menos um superusuário.", "At least one superuser must remain.",
	},
	domain.ReasonRoleInUse: {
		"O perfil está em uso e não pode ser excluído.", "The role is in use and can't be deleted.",
	},
	domain.ReasonPassword:  {"Senha incorreta.", "Wrong password."},
	domain.ReasonForbidden: {"Acesso não permitido.", "Access denied."},
	domain.ReasonMalformed: {"Requisição malformada.", "Malformed request."},
	domain.ReasonJSON: {
		"O corpo não é um objeto JSON válido em UTF-8.", "The body is not a valid JSON object in UTF-8.",
	},
	domain.ReasonDuplicateKey: {"Chave repetida no JSON.", "Key given twice in the JSON."},
	domain.ReasonField: {
		"Campo desconhecido; o mais parecido é %s.", "Unknown field; the nearest is %s.",
	},
	domain.ReasonAnswerOnly: {
		"Campo somente da resposta: não pode ser informado.", "A field of the answer only: it can't be set.",
	},
	domain.ReasonParameter: {
		"Parâmetro desconhecido; o mais parecido é %s.", "Unknown parameter; the nearest is %s.",
	},
	domain.ReasonParameters: {
		"Parâmetro desconhecido; os possíveis são: %s.", "Unknown parameter; the known ones are: %s.",
	},
	domain.ReasonNoParameters: {
		"Parâmetro desconhecido: esta operação não tem parâmetros na URL.",
		"Unknown parameter: this operation takes none in the URL.",
	},
	domain.ReasonContentType: {"Content-Type esperado: %s.", "Expected Content-Type: %s."},
	domain.ReasonBodySize:    {"Corpo grande demais: máximo de %d bytes.", "Body too large: at most %d bytes."},
	domain.ReasonEncoding: {"Codificação não reconhecida: use UTF-8, UTF-16 com BOM ou Windows-1252.",
		"Encoding not recognised: use UTF-8, UTF-16 with a byte order mark, or Windows-1252."},
	domain.ReasonQuote: {
		"Aspas fora do lugar ou não fechadas: linha %d, coluna %d.", "Misplaced or unclosed quote: line %d, column %d.",
	},
	domain.ReasonNoHeader:    {"O arquivo está vazio: falta o cabeçalho.", "The file is empty: it has no header."},
	domain.ReasonNoColumn:    {"Coluna obrigatória ausente no cabeçalho.", "The header lacks this required column."},
	domain.ReasonColumn:      {"Coluna desconhecida; a mais parecida é %s.", "Unknown column; the nearest is %s."},
	domain.ReasonColumnTwice: {"Coluna repetida no cabeçalho.", "The header has this column twice."},
	domain.ReasonCells: {
		"Número de células incorreto: o cabeçalho tem %d.", "Wrong number of cells: the header has %d.",
	},
	domain.ReasonHeaderTwice: {"O cabeçalho aparece de novo nesta linha.", "The header is repeated in this row."},
	domain.ReasonNoRoute:     {"Caminho ou método não encontrado.", "No such path or method."},
}
