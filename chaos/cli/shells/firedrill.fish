# Completion of firedrill for fish: .venv/bin/firedrill completion fish | source
function __firedrill_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    test -n "$current"; or set current ''
    set -l program (string replace -r '^~' $HOME -- $words[1])
    type -q $program; or return
    set -l found ($program __complete $words[2..-1] $current 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path $current
    end
end
complete -c firedrill -f -k -a '(__firedrill_complete)'
