package api

import "github.com/chaveiro/chaveiro/pkg/domain"

// keyStoreTexts are the texts of keys in tokens and vaults.
var keyStoreTexts = map[domain.Reason][languages]string{
	domain.ReasonKeyStore: {
		"Não há key store com este nome. Há: %s.", "There is no key store of that name. There are: %s.",
	},
	domain.ReasonKeyThere: {
		"A chave já existe (key_uri): deixe key_store de fora.", "The key is there already (key_uri): leave key_store out.",
	},
	domain.ReasonKeyURI: {
		"Não é o URI de uma chave, como pkcs11:token=chaveiro;object=ca. Os atributos depois de um ponto de interrogação são do " +
			"key store.",
		"Not the URI of a key, as pkcs11:token=chaveiro;object=ca. Attributes after a question mark are of the key store.",
	},
	domain.ReasonNoStoreOfKey: {
		"A chave não está em nenhum key store deste servidor (chaveiro serve --key-stores).",
		"The key is in no key store of this server (chaveiro serve --key-stores).",
	},
	domain.ReasonNoSuchKey: {
		"O key store não tem esta chave, ou não tem a sua chave pública.",
		"The key store does not have this key, or not its public key.",
	},
	domain.ReasonManyKeys: {
		"O key store tem várias chaves assim: informe também o id.", "The key store has several such keys: give the id as well.",
	},
	domain.ReasonKeyKind: {
		"O key store não faz, ou não usa, este tipo de chave.", "The key store does not make, or not use, this kind of key.",
	},
	domain.ReasonKeyDenied: {
		"O key store não permite que este servidor use a chave.", "The key store does not allow this server to use the key.",
	},
	domain.ReasonKeyStays: {
		"A chave da CA está em %s, e não sai de lá.", "The key of the CA is in %s, and does not leave it.",
	},
}
