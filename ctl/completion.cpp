#include "ctl/completion.h"

#include <algorithm>

#include "api/base/text.h"
#include "ctl/identifiers.h"

namespace mx2::ctl {
namespace {

// CLI11 shows the members of CLI::IsMember as "TEXT:{csv,ndjson}".
std::vector<std::string> choices_of(const CLI::Option& option) {
  const auto type = option.get_type_name();
  const auto open = type.find('{');
  const auto close = type.find('}');
  std::vector<std::string> choices;
  if (open == std::string::npos || close == std::string::npos) return choices;
  for (const auto choice : split(std::string_view(type).substr(open + 1, close - open - 1), ',')) {
    choices.emplace_back(choice);
  }
  return choices;
}

bool takes_path(const std::string& option) {
  return option.ends_with("-file") || option == "store" || option == "packages";
}

// Which identifiers it takes: its name of type is one of theirs.
std::string kind_of(const CLI::Option& option) {
  const auto& kinds = identifier_kinds();
  const auto type = option.get_type_name();
  return std::find(kinds.begin(), kinds.end(), type) == kinds.end() ? std::string() : type;
}

// Those that nobody types are in no group of the help.
std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); });
}

CompletionNode node_of(const CLI::App& app, const std::string& path) {
  CompletionNode node;
  node.path = path;
  for (const auto* sub : commands_of(app)) {
    node.commands.push_back({sub->get_name(), sub->get_description()});
  }
  for (const auto* option : app.get_options()) {
    if (option->get_positional() && !option->nonpositional()) {
      const auto choices = choices_of(*option);
      node.arguments.insert(node.arguments.end(), choices.begin(), choices.end());
      node.takes_file = node.takes_file || option->get_name() == "FILE";
      node.kinds.push_back(kind_of(*option));
      node.repeats = option->get_items_expected_max() > 1;
    }
    for (const auto& name : option->get_lnames()) {
      node.options.push_back({"--" + name, option->get_description(),
                              option->get_items_expected_max() > 0, takes_path(name),
                              choices_of(*option), kind_of(*option)});
    }
  }
  return node;
}

void add_nodes(const CLI::App& app, const std::string& path, std::vector<CompletionNode>& nodes) {
  nodes.push_back(node_of(app, path));
  for (const auto* sub : commands_of(app)) {
    add_nodes(*sub, path + "/" + sub->get_name(), nodes);
  }
}

}  // namespace

std::vector<CompletionNode> completion_nodes(const CLI::App& app) {
  std::vector<CompletionNode> nodes;
  add_nodes(app, "", nodes);
  return nodes;
}

std::string completion_script(const CLI::App& app, const std::string& shell) {
  const auto nodes = completion_nodes(app);
  if (shell == "zsh") return zsh_script(nodes);
  if (shell == "fish") return fish_script(nodes);
  return bash_script(nodes);
}

}  // namespace mx2::ctl
