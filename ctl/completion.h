// Completion scripts, made from the command line parser itself so that they cannot fall behind it.
// Identifiers are asked from the orchestrator that the line names (bash): mx2ctl identifiers KIND.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace mx2::ctl {

// What can follow the words of one (sub)command.
struct CompletionNode {
  struct Command {
    std::string name;
    std::string description;
  };
  struct Option {
    std::string name;  // "--output"
    std::string description;
    bool takes_value = false;
    bool takes_file = false;
    std::vector<std::string> choices;
    std::string kind;  // of the identifiers that it takes; empty: none
  };
  std::string path;  // "/table/import"; empty for the program itself
  std::vector<Command> commands;
  std::vector<Option> options;         // its own; those of the root are valid everywhere
  std::vector<std::string> arguments;  // choices of a positional argument
  // Of its positional arguments, in order, the kind of identifiers that each takes; empty: none.
  // The last may come again if `repeats`.
  std::vector<std::string> kinds;
  bool repeats = false;
  bool takes_file = false;  // a positional argument is a file
};

// The program first, then its subcommands, depth first.
[[nodiscard]] std::vector<CompletionNode> completion_nodes(const CLI::App& app);

[[nodiscard]] std::string bash_script(const std::vector<CompletionNode>& nodes);
[[nodiscard]] std::string zsh_script(const std::vector<CompletionNode>& nodes);
[[nodiscard]] std::string fish_script(const std::vector<CompletionNode>& nodes);
// `shell`: bash, zsh or fish.
[[nodiscard]] std::string completion_script(const CLI::App& app, const std::string& shell);

}  // namespace mx2::ctl
