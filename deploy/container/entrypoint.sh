#!/usr/bin/env bash
# Starts the program that MX_ROLE names, with a configuration written from environment variables.
#   entrypoint.sh [ARGUMENT...]   the arguments go to the program, e.g. --check-config
#   entrypoint.sh --health        exits 0 when the program answers that it is well
#   entrypoint.sh --variables     lists every variable: role, name, key, kind, default
# No value needs a comma or an equals sign, so that AdvantEDGE can carry them. Secrets come in files.
# MX_CONFIG names a configuration file to use instead; then the other variables only tell --health
# where to ask.
set -euo pipefail

readonly daemons="orchestrator optimizer notifier mepm" clients="mx2 mx2ctl packages"

# role, variable, key of the program's configuration, kind, default ("-": none, "!": must be given).
# A list is divided by spaces; a file must be readable. Rows of one section are together.
readonly variables="
orchestrator MX_ADDRESS             mx2.address                  text    0.0.0.0
orchestrator MX_PORT                mx2.port                     number  8080
orchestrator MX_PATH_PREFIX         mx2.path_prefix              text    -
orchestrator MX_PUBLIC_URL          mx2.public_url               text    -
orchestrator MX_OPERATOR_ADDRESS    operator.address             text    0.0.0.0
orchestrator MX_OPERATOR_PORT       operator.port                number  8081
orchestrator MX_OPERATOR_TOKEN_FILE operator.token_file          file    -
orchestrator MX_AUTH                auth.mode                    text    -
orchestrator MX_TOKENS_FILE         auth.tokens_file             file    -
orchestrator MX_STORE               store.path                   text    /var/lib/mx2/mx2.sqlite
orchestrator MX_STRATEGY            strategy.standard            text    -
orchestrator MX_NOTIFIER            notifier.enabled             boolean -
orchestrator MX_CALLBACK_PREFIXES   notifier.allow               list    -
orchestrator MX_LCM_TOKEN_FILE      lifecycle.token_file         file    -
orchestrator MX_CONTENT             content                      file    -
orchestrator MX_PLATFORM_URL        mec_platform.url             text    -
orchestrator MX_APP_SUPPORT_URL     mec_platform.app_support_url text    -
orchestrator MX_SERVICE_MGMT_URL    mec_platform.service_mgmt_url text   -
orchestrator MX_SERVICE_URI         mec_platform.service_uri     text    -
orchestrator MX_CALLBACK_URL        mec_platform.callback_url    text    -
optimizer    MX_ADDRESS             server.address               text    0.0.0.0
optimizer    MX_PORT                server.port                  number  8082
optimizer    MX_OPERATOR_TOKEN_FILE server.token_file            file    -
optimizer    MX_ORCHESTRATOR_URL    orchestrator.url             text    !
optimizer    MX_OPERATOR_TOKEN_FILE orchestrator.token_file      file    -
optimizer    MX_CA_FILE             orchestrator.ca_file         file    -
optimizer    MX_URL                 leader.url                   text    -
optimizer    MX_POLICY              policy                       text    -
optimizer    MX_PERIOD_MS           period_ms                    number  -
optimizer    MX_DWELL_MS            stability.dwell_ms           number  -
optimizer    MX_BACKGROUND_PERCENT_MIN measurement.background_percent_min number -
optimizer    MX_TOPOLOGY            topology.file                file    -
optimizer    MX_SCENARIO_FILE       advantedge.scenario_file     file    -
optimizer    MX_ADVANTEDGE_URL      advantedge.url               text    -
optimizer    MX_SANDBOX_CTRL_URL    advantedge.sandbox_ctrl_url  text    -
optimizer    MX_LOCATION_URL        advantedge.location_url      text    -
optimizer    MX_HEADER_FILE         advantedge.header_file       file    -
optimizer    MX_ADVANTEDGE_CA_FILE  advantedge.ca_file           file    -
optimizer    MX_POLL_MS             advantedge.poll_ms           number  -
optimizer    MX_CALLBACK_URL        advantedge.callback_url      text    -
notifier     MX_ADDRESS             server.address               text    0.0.0.0
notifier     MX_PORT                server.port                  number  8083
notifier     MX_STORE               store.path                   text    /var/lib/mx2/mx2.sqlite
notifier     MX_CALLBACK_PREFIXES   notifier.allow               list    -
mepm         MX_ADDRESS             server.address               text    0.0.0.0
mepm         MX_PORT                server.port                  number  8090
mepm         MX_LCM_TOKEN_FILE      server.token_file            file    -
mepm         MX_HOST_ID             host.id                      text    !
mepm         MX_HOST_NAME           host.name                    text    -
mepm         MX_ZONE                host.zone                    text    -
mepm         MX_HOST_ADDRESS        host.address                 text    !
mepm         MX_URL                 host.url                     text    -
mepm         MX_STATE_DIR           state_dir                    text    /var/lib/mx2
mepm         MX_END_ON_STOP         end_on_stop                  boolean true
mepm         MX_ORCHESTRATOR_URL    orchestrator.url             text    !
mepm         MX_OPERATOR_TOKEN_FILE orchestrator.token_file      file    -
mepm         MX_CA_FILE             orchestrator.ca_file         file    -
mepm         MX_TRUSTED_APPS        orchestrator.trusted_apps    list    -
mepm         MX_INSTANCE_ADDRESS    process.listen_address       text    -
mepm         MX_INSTANCE_PORT_FIRST process.port_first           number  -
mepm         MX_INSTANCE_PORTS      process.ports                number  -
mepm         MX_INSTANCE_UID_FIRST  process.uid_first            number  -
mepm         MX_INSTANCE_FILES      process.files_max            number  -
mx2          MX_MX2_URL             --url                        text    !
mx2          MX_TOKEN_FILE          --token-file                 file    -
mx2          MX_CA_FILE             --ca-file                    file    -
mx2          MX_COMMAND             -                            text    run
mx2          MX_APP                 -                            text    -
mx2          MX_PROVIDER            --provider                   text    -
mx2          MX_DEVICE              --device                     text    -
mx2          MX_EVERY               --every                      text    -
mx2          MX_PAYLOAD             --payload                    text    -
mx2ctl       MX_ORCHESTRATOR_URL    --url                        text    !
mx2ctl       MX_OPERATOR_TOKEN_FILE --token-file                 file    -
mx2ctl       MX_CA_FILE             --ca-file                    file    -
packages     MX_ORCHESTRATOR_URL    --url                        text    !
packages     MX_OPERATOR_TOKEN_FILE --token-file                 file    -
packages     MX_CA_FILE             --ca-file                    file    -
packages     MX_PACKAGES            -                            text    /usr/local/share/mx2/packages
daemons      MX_LOG_LEVEL           log.level                    text    -
daemons      MX_LOG_FORMAT          log.format                   text    -
"

fail() {
  echo "mx2 container: $*" >&2
  exit 2
}

# The rows of a role; what all daemons have goes last.
rows() {
  local role="$1" of name key kind standard
  while read -r of name key kind standard; do
    [[ "$of" == "$role" || ("$of" == daemons && " $daemons " == *" $role "*) ]] || continue
    echo "$name $key $kind $standard"
  done <<<"$variables"
}

# The value of a variable, or its default; nothing when there is neither.
value_of() {
  local name="$1" kind="$2" standard="$3" value
  value="${!name:-}"
  [[ -n "$value" ]] || case "$standard" in
    -) return 0 ;;
    !) fail "role $MX_ROLE needs the variable $name" ;;
    *) value="$standard" ;;
  esac
  [[ "$value" != *[[:cntrl:]]* ]] || fail "$name has a control character in it"
  case "$kind" in
    number) [[ "$value" =~ ^[0-9]{1,9}$ ]] || fail "$name: '$value' is no number" ;;
    boolean) [[ "$value" =~ ^(true|false)$ ]] || fail "$name: '$value' is neither true nor false" ;;
    file) [[ -r "$value" && ! -d "$value" ]] || fail "$name: the file $value cannot be read" ;;
  esac
  echo "$value"
}

# Kubernetes puts variables of its Services into every container; one may be called mx-something.
is_of_a_service() {
  [[ "$1" =~ _SERVICE_(HOST|PORT)|_PORT(_[0-9]+_(TCP|UDP).*)?$ ]] && ! grep -q " $1 " <<<"$variables"
}

refuse_unknown_variables() {
  local known name
  known="MX_ROLE MX_CONFIG $(rows "$MX_ROLE" | cut -d ' ' -f 1 | sort -u | tr '\n' ' ')"
  for name in $(compgen -e MX_); do
    [[ " $known" == *" $name "* ]] || is_of_a_service "$name" \
      || fail "role $MX_ROLE has no variable $name; it has: $known"
  done
}

quoted() { printf "'%s'" "${1//\'/\'\'}"; }

yaml_value() {
  local kind="$1" value="$2" item items=""
  case "$kind" in
    number | boolean) echo "$value" ;;
    list)
      for item in $value; do items+="${items:+, }$(quoted "$item")"; done
      echo "[$items]"
      ;;
    *) quoted "$value" ;;
  esac
}

# A platform of AdvantEDGE is there exactly when it has told us who we are.
is_left_out() { [[ "$1" == mec_platform.* && -z "${MEEP_APP_ID:-}" ]]; }

write_config() {
  local name key kind standard value section="" rows
  rows="$(rows "$MX_ROLE")"
  echo "# Written by the container's entrypoint from its environment."
  while read -r name key kind standard; do
    value="$(value_of "$name" "$kind" "$standard")" || exit
    if [[ -z "$value" ]] || is_left_out "$key"; then continue; fi
    if [[ "$key" == *.* && "${key%%.*}" != "$section" ]]; then
      section="${key%%.*}"
      echo "$section:"
    fi
    [[ "$key" == *.* ]] && printf '  '
    echo "${key#*.}: $(yaml_value "$kind" "$value")"
  done <<<"$rows"
}

run_daemon() {
  local config="${MX_CONFIG:-}"
  if [[ -z "$config" ]]; then
    config="${TMPDIR:-/tmp}/mx2-$MX_ROLE.yaml"
    write_config >"$config"
  fi
  [[ -r "$config" ]] || fail "MX_CONFIG: the file $config cannot be read"
  exec "mx2-$MX_ROLE" --config "$config" "$@"
}

# The options of a client program from its variables, to the array options; those that its
# subcommand takes, to the array suboptions.
read_options() {
  options=() suboptions=()
  local name key kind standard value rows
  rows="$(rows "$MX_ROLE")"
  while read -r name key kind standard; do
    value="$(value_of "$name" "$kind" "$standard")" || exit
    [[ -n "$value" && "$key" == --* ]] || continue
    case "$key" in
      --url | --token-file | --ca-file) options+=("$key" "$value") ;;
      *) suboptions+=("$key" "$value") ;;
    esac
  done <<<"$rows"
}

# Until the application is on offer: it may be on-boarded after its clients have started.
wait_for_app() {
  until mx2 "${options[@]}" --output json apps --name "$MX_APP" 2>/dev/null | grep -q appDId; do
    echo "mx2 container: the application $MX_APP is not on offer yet" >&2
    sleep 2 &
    wait $!
  done
}

run_mx2() {
  read_options
  [[ $# -eq 0 ]] || exec mx2 "${options[@]}" "$@"
  [[ -n "${MX_APP:-}" ]] || fail "role mx2 needs the variable MX_APP, or arguments for mx2"
  [[ "${MX_COMMAND:-run}" =~ ^(run|watch)$ ]] || fail "MX_COMMAND: '$MX_COMMAND' is neither run nor watch"
  trap 'exit 0' TERM INT
  wait_for_app
  trap - TERM INT
  exec mx2 "${options[@]}" "${MX_COMMAND:-run}" "$MX_APP" "${suboptions[@]}"
}

run_mx2ctl() {
  read_options
  exec mx2ctl "${options[@]}" "$@"
}

# On-boards the packages of a directory that the orchestrator does not have yet, and ends.
run_packages() {
  read_options
  local package known
  known="$(mx2ctl "${options[@]}" packages list)"
  for package in "${MX_PACKAGES:-/usr/local/share/mx2/packages}"/*.zip; do
    [[ -r "$package" ]] || fail "MX_PACKAGES: there is no package in ${package%/*}"
    grep -q " $(basename "$package" .zip) " <<<"$known" || mx2ctl "${options[@]}" packages onboard "$package"
  done
}

# health_url PORT_VARIABLE ADDRESS_VARIABLE PATH
health_url() {
  local port address
  port="${!1:-$(rows "$MX_ROLE" | sed -n "s/^$1 [^ ]* number //p")}"
  address="${!2:-0.0.0.0}"
  [[ "$address" != 0.0.0.0 && "$address" != "::" ]] || address=localhost
  echo "http://$address:$port$3"
}

# The token goes by standard input, so that no process list shows it.
check_health() {
  local url token=""
  case "$MX_ROLE" in
    orchestrator)
      url="$(health_url MX_OPERATOR_PORT MX_OPERATOR_ADDRESS /operator/v1/health)"
      [[ -z "${MX_OPERATOR_TOKEN_FILE:-}" ]] || read -r token <"$MX_OPERATOR_TOKEN_FILE" || true
      ;;
    optimizer | notifier | mepm) url="$(health_url MX_PORT MX_ADDRESS /health)" ;;
    *) return 0 ;;
  esac
  curl -fsS --noproxy '*' -m 3 -o /dev/null --config - "$url" \
    <<<"${token:+header = \"Authorization: Bearer $token\"}"
}

[[ "${1:-}" != --variables ]] || { sed '/^$/d' <<<"$variables"; exit 0; }
[[ -n "${MX_ROLE:-}" ]] || fail "the variable MX_ROLE must be one of: $daemons $clients"
[[ " $daemons $clients " == *" $MX_ROLE "* ]] \
  || fail "MX_ROLE: there is no role '$MX_ROLE'; roles are: $daemons $clients"
refuse_unknown_variables
if [[ "${1:-}" == --health ]]; then
  check_health
elif [[ " $daemons " == *" $MX_ROLE "* ]]; then
  run_daemon "$@"
else
  "run_$MX_ROLE" "$@"
fi
