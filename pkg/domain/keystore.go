package domain

// KeyInDatabase is the name of a key store that is none: the key is in the database, sealed under
// the master key.
const KeyInDatabase = "database"

// The reasons of key stores. The comment says what Args are.
const (
	ReasonKeyStore     Reason = "no such key store"            // the names of those that there are
	ReasonKeyThere     Reason = "key is there already"         //
	ReasonKeyURI       Reason = "no URI of a key"              //
	ReasonNoStoreOfKey Reason = "key is in no store"           //
	ReasonNoSuchKey    Reason = "no such key in the store"     //
	ReasonManyKeys     Reason = "several such keys"            //
	ReasonKeyKind      Reason = "store lacks this kind of key" //
	ReasonKeyDenied    Reason = "store does not allow it"      //
	ReasonKeyStays     Reason = "key does not leave its store" // the URI of the key
)

func keyStoreReasons() []Reason {
	return []Reason{
		ReasonKeyStore, ReasonKeyThere, ReasonKeyURI, ReasonNoStoreOfKey, ReasonNoSuchKey, ReasonManyKeys,
		ReasonKeyKind, ReasonKeyDenied, ReasonKeyStays,
	}
}
