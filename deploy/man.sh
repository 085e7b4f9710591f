#!/usr/bin/env bash
# The man page of a program, made of what its --help says, and of that of each of its commands.
#   deploy/man.sh PROGRAM [DATE]     on standard output; DATE: of the page
set -uo pipefail
program="${1:?usage: deploy/man.sh PROGRAM [DATE]}"
name="${program##*/}"
date="${2:-}"
units="$(dirname "${BASH_SOURCE[0]}")/systemd"
section=1
# Daemons are the administrator's.
[[ "$("$program" --help)" != *--check-config* ]] || section=8

# What roff would take for its own: backslashes, hyphens, and dots and quotes that begin a line.
escaped() { sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^\([.']\)/\\\\\&\1/"; }

# part TEXT HEADING: the lines below "HEADING:" of what --help says; "" is what comes before "Usage:".
part() {
  awk -v wanted="${2,,}" '
    tolower($0) ~ /^usage:/ { here = "-"; next }
    /^[A-Za-z ]+:$/ { here = tolower(substr($0, 1, length($0) - 1)); next }
    /^Exit status: / { here = "exit status"; sub(/^Exit status: /, "") }
    here == wanted && NF' <<<"$1"
}

# entries: "  NAME   text" and its further lines as tagged paragraphs.
entries() {
  escaped | awk '
    /^  [^ ]/ {
      line = substr($0, 3)
      at = match(line, /  +/)
      print ".TP\n\\fB" (at ? substr(line, 1, at - 1) : line) "\\fR"
      if (at) print substr(line, at + RLENGTH)
      next
    }
    { sub(/^ +/, ""); print }'
}

# part_of TITLE MACRO TEXT HEADING...
part_of() {
  local title="$1" macro="$2" text="$3" heading lines=""
  shift 3
  for heading in "$@"; do lines+="$(part "$text" "$heading" | entries)"$'\n'; done
  [[ -z "${lines//$'\n'/}" ]] || printf '%s %s\n%s' "$macro" "$title" "$(sed '/^$/d' <<<"$lines")"$'\n'
}

usage_of() { sed -n 's/^[Uu][Ss][Aa][Gg][Ee]: *//p' <<<"$1" | sed "s|[^ ]*$name|$name|" | head -n 1; }
commands_of() { part "$1" subcommands | sed -n 's/^ \{1,4\}\([a-z][a-z-]*\) .*/\1/p'; }

# describe WORD...: a section of its own, or of each command that it is a group of.
describe() {
  local text sub subs
  text="$("$program" "$@" --help)" || return
  subs="$(commands_of "$text")"
  if [[ -n "$subs" ]]; then
    for sub in $subs; do describe "$@" "$sub"; done
    return
  fi
  printf '.SS "%s"\n' "$(escaped <<<"$name $*")"
  printf '.B %s\n.PP\n' "$(usage_of "$text" | escaped)"
  part "$text" "" | escaped
  part "$text" positionals | entries
  part "$text" options | grep -v '^ *-h,' | entries
}

whole="$("$program" --help)"
cat <<END
.\\" Made by deploy/man.sh from the program's own --help.
.TH ${name^^} $section "$date" "Mx2 $("$program" --version)" "Mx2 orchestrator"
.SH NAME
$name \\- $(part "$whole" "" | head -n 1 | escaped)
.SH SYNOPSIS
.B $(usage_of "$whole" | escaped)
.SH DESCRIPTION
$(part "$whole" "" | escaped).
END
part_of OPTIONS .SH "$whole" positionals options
commands="$(commands_of "$whole")"
if [[ -n "$commands" ]]; then
  echo ".SH COMMANDS"
  for sub in $commands; do describe "$sub"; done
fi
status="$(part "$whole" "exit status" | escaped)"
[[ -z "$status" ]] || printf '.SH "EXIT STATUS"\n%s\n' "$status"
if [[ $section == 8 ]]; then
  short="${name#mx2-}"
  echo ".SH FILES"
  if compgen -G "$units/$name*.service" >/dev/null; then
    printf '.TP\n.I /etc/mx2/%s.yaml\nConfiguration, as the unit of systemd names it.\n' \
      "$([[ "$short" == mepm ]] && echo 'mepm\-NAME' || echo "$short")"
  fi
  printf '.TP\n.I /usr/share/doc/mx2/example/%s.yaml\nEvery key with its default.\n' "$short"
fi
printf '.SH "SEE ALSO"\n.BR mx2 (1),\n.BR mx2ctl (1),\n.BR mx2\\-orchestrator (8),\n.BR mx2\\-mepm (8)\n'
