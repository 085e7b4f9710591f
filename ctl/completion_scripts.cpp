// Each script first walks the words typed so far to the path of the command they name, skipping the
// values of options, then offers what may follow it.
#include <map>

#include "api/base/text.h"
#include "ctl/completion.h"

namespace mx2::ctl {
namespace {

using Option = CompletionNode::Option;

// Options with values, each name once: a name means the same wherever it appears.
std::map<std::string, Option> value_options(const std::vector<CompletionNode>& nodes) {
  std::map<std::string, Option> found;
  for (const auto& node : nodes) {
    for (const auto& option : node.options) {
      if (option.takes_value) found.emplace(option.name, option);
    }
  }
  return found;
}

std::vector<std::string> value_option_names(const std::vector<CompletionNode>& nodes) {
  std::vector<std::string> names;
  for (const auto& [name, option] : value_options(nodes)) names.push_back(name);
  return names;
}

std::vector<std::string> paths(const std::vector<CompletionNode>& nodes) {
  std::vector<std::string> out;
  for (const auto& node : nodes) {
    if (!node.path.empty()) out.push_back(node.path);
  }
  return out;
}

// For a text between single quotes: 'it'\''s'.
std::string in_quotes(const std::string& text, const std::string& quote) {
  std::string out;
  for (const char c : text) out += c == '\'' ? quote : std::string(1, c);
  return out;
}

std::vector<Option> all_options(const std::vector<CompletionNode>& nodes,
                                const CompletionNode& node) {
  auto options = node.options;
  if (node.path.empty()) return options;
  for (const auto& option : nodes.front().options) {
    if (option.name != "--help" && option.name != "--version") options.push_back(option);
  }
  return options;
}

std::string bash_words(const std::vector<CompletionNode>& nodes, const CompletionNode& node) {
  auto words = node.arguments;
  for (const auto& command : node.commands) words.push_back(command.name);
  for (const auto& option : all_options(nodes, node)) words.push_back(option.name);
  return join(words, " ");
}

// Which identifiers come as which argument of a command, as patterns of "path:position".
std::string bash_kinds(const std::vector<CompletionNode>& nodes) {
  std::string cases;
  for (const auto& node : nodes) {
    for (std::size_t i = 0; i < node.kinds.size(); ++i) {
      const bool rest = node.repeats && i + 1 == node.kinds.size();
      if (node.kinds[i].empty()) continue;
      cases += "    '" + node.path + ":'" + (rest ? "*" : std::to_string(i)) +
               ") kind=" + node.kinds[i] + " ;;\n";
    }
  }
  return cases;
}

std::string zsh_item(const std::string& name, const std::string& description) {
  std::string text;
  for (const char c : description) text += c == ':' ? "\\:" : std::string(1, c);
  return " '" + name + ":" + in_quotes(text, "'\\''") + "'";
}

std::string fish_description(const std::string& description) {
  return " -d '" + in_quotes(description, "\\'") + "'";
}

std::string fish_condition(const std::string& path) {
  return "complete -c mx2ctl -n 'test \"$(__mx2ctl_path)\" = \"" + path + "\"'";
}

std::string fish_option(const Option& option) {
  std::string line = " -l " + option.name.substr(2);
  if (!option.choices.empty()) {
    line += " -x -a '" + join(option.choices, " ") + "'";
  } else if (option.takes_file) {
    line += " -r -F";
  } else if (option.takes_value) {
    line += " -x";
  }
  return line + fish_description(option.description) + "\n";
}

// What an option's value may be.
std::string bash_values(const std::vector<CompletionNode>& nodes) {
  std::string cases;
  for (const auto& [name, option] : value_options(nodes)) {
    if (option.takes_file) {
      cases += "    " + name + ") return ;;\n";
    } else if (!option.kind.empty()) {
      cases += "    " + name + ") kind=" + option.kind + " ;;\n";
    } else {
      cases += "    " + name + ") compopt +o default 2>/dev/null; words='" +
               join(option.choices, " ") +
               "'\n      COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")); return ;;\n";
    }
  }
  return cases;
}

}  // namespace

// Words are put together again that bash has split at colons, and replies are cut off before the
// last one, as bash replaces what comes after it.
std::string bash_script(const std::vector<CompletionNode>& nodes) {
  std::string script = R"(# bash completion for mx2ctl: source <(mx2ctl completion bash)
_mx2ctl() {
  local cur= prev= path= words= kind= i n=0 w
  local -a line=() server=()
  COMPREPLY=()
  for ((i = 1; i <= COMP_CWORD; i++)); do
    w=${COMP_WORDS[i]}
    if ((${#line[@]})) && [[ $w == :* || ${line[-1]} == *: ]]; then
      line[-1]+=$w
    else
      line+=("$w")
    fi
  done
  ((${#line[@]})) && cur=${line[-1]} && unset 'line[-1]'
  ((${#line[@]})) && prev=${line[-1]}
  for ((i = 0; i < ${#line[@]}; i++)); do
    w=${line[i]}
    case $w in
      --url|--token-file|--ca-file) server+=("$w" "${line[i+1]}"); ((i++)) ;;
      --url=*|--token-file=*|--ca-file=*) server+=("$w") ;;
      )" + join(value_option_names(nodes), "|") +
                       R"() ((i++)) ;;
      -*) ;;
      *)
        case $path/$w in
          )" + join(paths(nodes), "|") +
                       R"() path=$path/$w ;;
          *) ((n++)) ;;
        esac ;;
    esac
  done
  case $prev in
)";
  script += bash_values(nodes) + "  esac\n  if [[ -z $kind ]]; then\n    case $path in\n";
  for (const auto& node : nodes) {
    script += "    '" + node.path + "') words='" + bash_words(nodes, node) + "' ;;\n";
  }
  script += "    esac\n    [[ $cur == -* ]] || case $path:$n in\n" + bash_kinds(nodes);
  return script + R"sh(    esac
  fi
  if [[ -n $kind ]]; then
    compopt +o default 2>/dev/null
    words+=" $(command mx2ctl "${server[@]}" --timeout 1 identifiers "$kind" 2>/dev/null)"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"${cur%"${cur##*:}"}"}; done
  fi
}
complete -o default -F _mx2ctl mx2ctl
)sh";
}

std::string zsh_script(const std::vector<CompletionNode>& nodes) {
  std::string script = R"(#compdef mx2ctl
# zsh completion for mx2ctl: source <(mx2ctl completion zsh)
_mx2ctl() {
  local where= files=
  local -a commands options
  integer i
  for ((i = 2; i < CURRENT; i++)); do
    case $words[i] in
      )" + join(value_option_names(nodes), "|") +
                       R"() ((i++)) ;;
      -*) ;;
      *)
        case $where/$words[i] in
          )" + join(paths(nodes), "|") +
                       R"() where=$where/$words[i] ;;
        esac ;;
    esac
  done
  case $words[CURRENT-1] in
)";
  for (const auto& [name, option] : value_options(nodes)) {
    script += "    " + name + ") ";
    if (option.takes_file) script += "_files; ";
    if (!option.choices.empty()) script += "compadd -- " + join(option.choices, " ") + "; ";
    script += "return ;;\n";
  }
  script += "  esac\n  case $where in\n";
  for (const auto& node : nodes) {
    script += "    '" + node.path + "')\n      commands=(";
    for (const auto& command : node.commands) script += zsh_item(command.name, command.description);
    for (const auto& argument : node.arguments) script += zsh_item(argument, "");
    script += " )\n      options=(";
    for (const auto& option : all_options(nodes, node)) {
      script += zsh_item(option.name, option.description);
    }
    script += std::string(" )\n      files=") + (node.takes_file ? "yes" : "") + " ;;\n";
  }
  return script + R"(  esac
  if [[ $PREFIX == -* ]]; then
    _describe option options
  elif (( $#commands )); then
    _describe command commands
  elif [[ -n $files ]]; then
    _files
  fi
}
if [[ $funcstack[1] == _mx2ctl ]]; then
  _mx2ctl "$@"
else
  compdef _mx2ctl mx2ctl
fi
)";
}

std::string fish_script(const std::vector<CompletionNode>& nodes) {
  std::string script = R"(# fish completion for mx2ctl: mx2ctl completion fish | source
function __mx2ctl_path
  set -l path ''
  set -l skip no
  for word in (commandline -opc)[2..-1]
    if test $skip = yes
      set skip no
      continue
    end
    switch $word
      case )" + join(value_option_names(nodes), " ") +
                       R"(
        set skip yes
      case '-*'
      case '*'
        if contains -- "$path/$word" )" +
                       join(paths(nodes), " ") + R"(
          set path "$path/$word"
        end
    end
  end
  echo $path
end
)";
  for (const auto& node : nodes) {
    const auto condition = fish_condition(node.path);
    script += condition + (node.takes_file ? " -F\n" : " -f\n");
    for (const auto& command : node.commands) {
      script += condition + " -a " + command.name + fish_description(command.description) + "\n";
    }
    for (const auto& argument : node.arguments) script += condition + " -a " + argument + "\n";
    for (const auto& option : node.options) {
      script += (node.path.empty() ? "complete -c mx2ctl" : condition) + fish_option(option);
    }
  }
  return script;
}

}  // namespace mx2::ctl
