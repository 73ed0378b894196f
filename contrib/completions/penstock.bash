# bash completion for penstock; installed as .../bash-completion/completions/penstock
# Routes come from the running penstock, when it can be asked.

_penstock_routes()
{
    local words word=1 ask=()

    read -ra words <<<"$COMP_LINE" # bash's own words end at a colon, and addresses have one
    for ((; word < ${#words[@]}; word++)); do
        case ${words[word]} in
            -c | --config | --admin) ask+=("${words[word]}" "${words[word + 1]}") ;;
        esac
    done
    penstock status --json "${ask[@]}" 2>/dev/null |
        sed -n '/^  "groups"/q; s/^      "name": "\([A-Za-z0-9._-]*\)",*$/\1/p'
}

_penstock_words()
{
    mapfile -t COMPREPLY < <(compgen -W "$*" -- "${COMP_WORDS[COMP_CWORD]}")
}

_penstock_files()
{
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
}

_penstock()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
    local remote='-c --config --admin --token-file'
    local verbs='start update status pause resume approve skip promote abort retry'
    local options=

    if [ "$COMP_CWORD" -eq 1 ]; then
        _penstock_words demo serve check explain status weight rollout decisions drain override report replay help --help --version
        return
    fi
    case $previous in
        -c | --config | -o | --out | --plan | --weights | --token-file | --access-log)
            _penstock_files
            return
            ;;
        --group)
            _penstock_words canary stable
            return
            ;;
        --fault)
            _penstock_words none errors slow capacity outage
            return
            ;;
        --format)
            case $command in
                report) _penstock_words text json html ;;
                *) _penstock_words auto trace json ecs otel ltsv alb combined ;;
            esac
            return
            ;;
        --preset)
            _penstock_words json ecs otel ltsv alb combined
            return
            ;;
        --by)
            _penstock_words route platform
            return
            ;;
        --judge)
            _penstock_words penstock threshold flagger
            return
            ;;
        --route)
            _penstock_words "$(_penstock_routes)"
            return
            ;;
        --admin | --start | --stable | --canary | --slo | --rps | --errors | --slow | --speed | --rate | --limit | --header | --client | --expires | --weight | --reason | --timeout | --from | --to | --retired | --title) return ;;
    esac
    case $command in
        demo) options='-f --fault -s --speed --rate --access-log --once --json' ;;
        serve) options='-c --config -v --verbose' ;;
        check) options='-c --config --plan --route --rps --errors --slow --expand --json' ;;
        explain) options='-c --config -H --header -w --weight --client --json' ;;
        status) options="-w --watch --json $remote" ;;
        weight) options="--lock --no-rollback --unlock -m --reason --json $remote" ;;
        rollout) options="--full --force -m --reason --json $remote" ;;
        decisions) options="-n --limit -f --follow --json $remote" ;;
        drain) options="-w --wait --timeout --undo -m --reason --json $remote" ;;
        override) options='-c --config --route --group --expires --any-route --json' ;;
        report) options='--format -o --out --json --from --to --route --by --slo -c --config --retired --preset --title' ;;
        replay) options='--plan --judge --start --format --weights --route --stable --canary --slo' ;;
        help)
            _penstock_words demo serve check explain status weight rollout decisions drain override report replay
            return
            ;;
        *) return ;;
    esac
    if [[ $current == -* ]]; then
        _penstock_words "$options" -h --help
        return
    fi
    case $command in
        override) [ "$COMP_CWORD" -eq 2 ] && _penstock_words sign verify ;;
        rollout)
            if [ "$COMP_CWORD" -eq 2 ]; then
                _penstock_words "$verbs"
            elif [[ ${COMP_WORDS[2]} == @(start|update) ]] && [ "$COMP_CWORD" -ge 4 ]; then
                _penstock_files
            else
                _penstock_words "$(_penstock_routes)"
            fi
            ;;
        weight | status | decisions) _penstock_words "$(_penstock_routes)" ;;
        report | replay) _penstock_files ;;
        explain) _penstock_words GET HEAD POST PUT PATCH DELETE OPTIONS ;;
    esac
}

complete -F _penstock penstock
