package main

type masterKeyCommands struct {
	Wrap   wrapMasterKey   `cmd:"" help:"Write the master key wrapped under a key in a key store: a file for --master-key-file."`
	Unwrap unwrapMasterKey `cmd:"" help:"Write the master key itself, as it was before it was wrapped."`
}
