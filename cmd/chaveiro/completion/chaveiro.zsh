#compdef chaveiro
# Completion of chaveiro in zsh. Load it with:
#
#   source <(chaveiro completion zsh)
#
# or write it to a file _chaveiro in a folder of $fpath.

_chaveiro() {
	local line
	local -a found
	for line in "${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
		if [[ $line == :files ]]; then
			_files
		elif [[ -n $line ]]; then
			found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
		fi
	done
	(( ! $#found )) || _describe 'chaveiro' found
}

if [[ $funcstack[1] == _chaveiro ]]; then
	_chaveiro "$@"
else
	compdef _chaveiro chaveiro
fi
