# Completion of chaveiro in bash. Load it with:
#
#   source <(chaveiro completion bash)

_chaveiro() {
	local word rest
	COMPREPLY=()
	while IFS=$'\t' read -r word rest; do
		if [[ $word == :files ]]; then
			compopt -o filenames 2>/dev/null
			while IFS= read -r word; do
				COMPREPLY+=("$word")
			done < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
		else
			COMPREPLY+=("$word")
		fi
	done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}

complete -F _chaveiro chaveiro
