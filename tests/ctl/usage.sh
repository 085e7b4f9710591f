# Completion, usage, tokens, servers that are not there. Part of tests/ctl/ctl_test.sh.
# shellcheck shell=bash disable=SC2034,SC2154

start usage

# Completion.
for shell in bash zsh fish; do
  check "completion $shell" 0 "uncordon" completion "$shell"
  cp "$work/out" "$work/completion.$shell"
  command -v "$shell" > /dev/null || { echo "SKIP: $shell is not installed"; continue; }
  is "its syntax" "$shell" -n "$work/completion.$shell"
done
complete_bash() {
  bash -c 'source "$0"; COMP_WORDS=(mx2ctl "$@"); COMP_CWORD=$#; _mx2ctl; echo "${COMPREPLY[*]}"' \
    "$work/completion.bash" "$@" > "$work/out"
}
complete_bash hosts unc && is "bash completes a command" prints uncordon
complete_bash --url http://x hosts sh && is "after a global option" prints show
complete_bash table import --format "" && is "bash completes a choice" prints "csv ndjson"
complete_bash table list --ap && is "bash completes an option" prints --app
if command -v fish > /dev/null; then
  HOME=$work fish -c "source $work/completion.fish; complete -C 'mx2ctl --url x hosts unc'" > "$work/out" 2>&1
  is "fish completes a command" grep -q "^uncordon" "$work/out"
fi

# Usage, tokens, servers that are not there.
check "no command" 2 "a command is missing: hosts, apps" 
check "a misspelt command" 2 "did you mean 'hosts'?" hsots list
check "a missing argument" 2 "ID is required" hosts show
check "a bad choice" 2 "not in {table,json,csv}" health --output xml
check "help" 0 "Exit status" --help
check "version" 0 "." --version
check "not http" 2 "must begin with http://" health --url ftp://x
check "nobody there" 3 "cannot connect: Connection refused" health --url http://127.0.0.1:1
check "no such name" 3 "resolve" health --url http://nowhere.invalid
check "another kind of server" 1 "no resource at" health --url "$mx2"

echo secret > "$work/token"
start guarded "token_file: $work/token"
check "without a token" 1 "bearer token is needed" health
check "--token-file" 0 "ok" health --token-file "$work/token"
MX2_OPERATOR_TOKEN=secret check "token in the environment" 0 "ok" health
MX2_OPERATOR_TOKEN=wrong check "the wrong token" 1 "bearer token is needed" health
check "no token file" 2 "no token can be read" health --token-file "$work/none"
printf 'ue,app,targets\n*,objtrack-1,host:cloud\n' > "$work/row.csv"
kill -9 "${pids[-1]}"; wait "${pids[-1]}" 2>/dev/null || true
check "a server that has gone" 3 "mx2ctl: " table import "$work/row.csv" --token-file "$work/token"
