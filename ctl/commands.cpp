#include "ctl/commands.h"

#include <map>

namespace mx2::ctl {
namespace {

constexpr const char* kUsage = "usage";

// Of a parameter of a list.
const std::map<std::string, std::string>& kinds_of_parameters() {
  static const std::map<std::string, std::string> kKinds{
      {"app", "APP"}, {"host", "HOST"}, {"associateDevAppId", "DEVICE"}, {"ue", "UE"}};
  return kKinds;
}

}  // namespace

Error usage_error(std::string detail, std::string place) {
  return {ErrorCode::kInvalidArgument, std::move(detail), std::move(place), kUsage, {}, 0};
}

int exit_status_of(const Error& error) {
  if (error.cause == http::kUnreachable) return kExitUnreachable;
  return error.cause == kUsage ? kExitUsage : kExitRefused;
}

void print_error(std::ostream& err, const Error& error) {
  err << "mx2ctl: ";
  if (!error.pointer.empty()) err << printable(error.pointer) << ": ";
  err << printable(error.detail) << '\n';
}

Result<int> print_item(const Session& session, const Result<json::Value>& document,
                       const std::vector<Column>& columns) {
  if (!document) return document.error();
  write_item(session.format, session.out, columns, *document);
  return 0;
}

Result<int> print_list(Session& session, const std::string& path, const Query& query,
                       std::size_t limit, std::vector<Column> columns) {
  return print_lists(session, path, {query}, limit, std::move(columns));
}

Result<int> print_lists(Session& session, const std::string& path,
                        const std::vector<Query>& queries, std::size_t limit,
                        std::vector<Column> columns) {
  const auto writer = make_list_writer(session.format, session.out, std::move(columns));
  std::size_t printed = 0;
  for (const auto& query : queries) {
    if (limit > 0 && printed >= limit) break;
    const auto left = limit > 0 ? limit - printed : 0;
    const auto listed = session.server.list(path, query, left, [&](const json::Value& item) {
      writer->add(item);
      ++printed;
      return session.out.good();
    });
    if (!listed) return listed.error();
  }
  writer->finish();
  return 0;
}

Result<int> for_each_id(Session& session, const std::string& kind,
                        const std::vector<std::string>& ids,
                        const std::function<Result<std::string>(const std::string& id)>& action) {
  int status = 0;
  std::unique_ptr<ListWriter> writer;
  if (session.format != Format::kTable) {
    writer = make_list_writer(session.format, session.out,
                              {member("id", "ID"), member("result", "RESULT")});
  }
  for (const auto& id : ids) {
    const auto result = action(id);
    if (!result && exit_status_of(result.error()) != kExitRefused) return result.error();
    if (!result) {
      status = kExitRefused;
      print_error(session.err, result.error());
    } else if (writer != nullptr) {
      writer->add({{"id", id}, {"result", *result}});
    } else {
      session.out << kind << ' ' << printable(id) << ": " << *result << '\n';
    }
  }
  if (writer != nullptr) writer->finish();
  return status;
}

std::string kind_in_help(std::string kind) {
  for (auto& c : kind) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return kind;
}

void add_for_each(const Menu& menu, const std::string& name, const std::string& help,
                  const std::string& kind, const std::string& id_help, const Action& action) {
  using Ids = std::vector<std::string>;
  const auto [command, ids] = menu.add<Ids>(name, help, [=](Session& session, const Ids& all) {
    return for_each_id(session, kind, all,
                       [&](const std::string& id) { return action(session, id); });
  });
  command.add_option("ID", ids, id_help)->required()->type_name(kind_in_help(kind));
}

void add_list(const Menu& menu, const std::string& name, const std::string& help,
              const std::string& path, const std::vector<ListOption>& options,
              const std::vector<Column>& columns) {
  struct Listing {
    Query query;
    std::size_t limit = 0;
  };
  const auto [command, wanted] =
      menu.add<Listing>(name, help, [=](Session& session, const Listing& all) {
        return print_list(session, path, all.query, all.limit, columns);
      });
  for (const auto& option : options) wanted.query.emplace_back(option.parameter, "");
  for (std::size_t i = 0; i < options.size(); ++i) {
    auto* option = command.add_option(options[i].name, wanted.query[i].second, options[i].help);
    const auto kind = kinds_of_parameters().find(options[i].parameter);
    if (kind != kinds_of_parameters().end()) option->type_name(kind->second);
  }
  add_limit(command, wanted.limit);
}

void add_limit(CLI::App& command, std::size_t& limit) {
  command.add_option("--limit", limit, "Stop after this many")->check(CLI::PositiveNumber);
}

}  // namespace mx2::ctl
