"""What shells are told, so that they complete `feedhandler`: click's words, mended for two."""

from __future__ import annotations

from click.shell_completion import BashComplete, ZshComplete, add_completion_class

_COMPINIT = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }\n"
_BASH = """\
%(complete_func)s() {
    local line="${COMP_LINE:0:COMP_POINT}" kept="" last type value
    local -a words
    read -ra words <<< "$line"
    [[ "$line" == *[![:space:]] ]] || words+=("")
    last="${words[-1]}" # bash begins a new word at a colon, and replaces that alone
    [[ "$COMP_WORDBREAKS" != *:* ]] || kept="${last%%"${last##*:}"}"
    COMPREPLY=()
    while IFS=, read -r type value; do
        case "$type" in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$kept"}") ;;
        esac
    done < <(COMP_WORDS="$line" COMP_CWORD=$((${#words[@]} - 1)) \\
        %(complete_var)s=bash_complete "$1")
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class Bash(BashComplete):
    """click's own knows no name with a colon: Bitfinex' `tBTCF0:USTF0`, our `option:BTC-USD:*`."""

    source_template = _BASH


class Zsh(ZshComplete):
    """click's own asks for what only a shell has that completes other commands already."""

    source_template = ZshComplete.source_template.replace("\n", f"\n{_COMPINIT}", 1)


def register() -> None:
    """Have click speak to both shells by these."""
    add_completion_class(Bash)
    add_completion_class(Zsh)
