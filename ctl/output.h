// What mx2ctl prints: readable tables by default, JSON or CSV for programs.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/terminal.h"
#include "api/json/json.h"

namespace mx2::ctl {

enum class Format { kTable, kJson, kCsv };

// One column of a list, or one line of a single item.
struct Column {
  std::string name;   // in CSV
  std::string title;  // in tables
  std::function<std::string(const json::Value&)> text;
  bool right = false;  // numbers
};

// A value as text: strings as they are, a list joined by spaces, an object of texts as name=value,
// anything else as JSON.
[[nodiscard]] std::string text_of(const json::Value& value);
// The member at a path, "name" or "outer.name", as text; empty when it is absent.
[[nodiscard]] std::string text_at(const json::Value& item, const std::string& path);
[[nodiscard]] Column member(const std::string& path, const std::string& title, bool right = false);
// A number, with two decimals; empty when it is none.
[[nodiscard]] std::string decimals_at(const json::Value& item, const std::string& name);
[[nodiscard]] Column decimals(const std::string& name, const std::string& title);

// Items as they come. JSON and CSV are written at once, so a long list needs no memory; a table
// waits for finish(), as it must know its widths.
class ListWriter {
 public:
  virtual ~ListWriter() = default;
  virtual void add(const json::Value& item) = 0;
  virtual void finish() = 0;
};
[[nodiscard]] std::unique_ptr<ListWriter> make_list_writer(Format format, std::ostream& out,
                                                           std::vector<Column> columns);

// All items of a list.
void print_items(Format format, std::ostream& out, std::vector<Column> columns,
                 const json::Value& items);
// A list within a document; an empty one if there is none.
[[nodiscard]] json::Value list_in(const json::Value& document, const char* name);

// True if JSON is wanted: then the document has been printed.
[[nodiscard]] bool print_as_json(Format format, std::ostream& out, const json::Value& document);

// A single item: its columns one below the other, or the whole JSON document.
void write_item(Format format, std::ostream& out, const std::vector<Column>& columns,
                const json::Value& item);

}  // namespace mx2::ctl
