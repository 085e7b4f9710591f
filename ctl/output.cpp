#include "ctl/output.h"

#include <algorithm>

#include "api/base/text.h"
#include "api/csv/csv.h"

namespace mx2::ctl {
namespace {

std::vector<std::string> cells(const std::vector<Column>& columns, const json::Value& item) {
  std::vector<std::string> out;
  out.reserve(columns.size());
  for (const auto& column : columns) out.push_back(column.text(item));
  return out;
}

std::vector<std::string> names(const std::vector<Column>& columns) {
  std::vector<std::string> out;
  out.reserve(columns.size());
  for (const auto& column : columns) out.push_back(column.name);
  return out;
}

class TableWriter final : public ListWriter {
 public:
  TableWriter(std::ostream& out, std::vector<Column> columns)
      : out_(out), columns_(std::move(columns)) {
    auto& titles = table_.rows.emplace_back();
    for (const auto& column : columns_) {
      titles.push_back(column.title);
      table_.right.push_back(column.right);
    }
  }
  void add(const json::Value& item) override { table_.rows.push_back(cells(columns_, item)); }
  void finish() override { write_table(out_, table_); }

 private:
  std::ostream& out_;
  std::vector<Column> columns_;
  TableText table_;
};

class JsonWriter final : public ListWriter {
 public:
  explicit JsonWriter(std::ostream& out) : out_(out) {}
  void add(const json::Value& item) override {
    out_ << (empty_ ? "[\n  " : ",\n  ") << json::dump(item);
    empty_ = false;
  }
  void finish() override { out_ << (empty_ ? "[]\n" : "\n]\n"); }

 private:
  std::ostream& out_;
  bool empty_ = true;
};

class CsvWriter final : public ListWriter {
 public:
  CsvWriter(std::ostream& out, std::vector<Column> columns)
      : out_(out), columns_(std::move(columns)) {
    out_ << csv_line(names(columns_));
  }
  void add(const json::Value& item) override { out_ << csv_line(cells(columns_, item)); }
  void finish() override {}

 private:
  std::ostream& out_;
  std::vector<Column> columns_;
};

}  // namespace

std::string text_of(const json::Value& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  const auto is_text = [](const json::Value& v) { return v.is_string(); };
  if (!value.is_structured() || !std::all_of(value.begin(), value.end(), is_text)) {
    return json::dump(value);
  }
  std::string out;
  for (const auto& [name, item] : value.items()) {
    if (!out.empty()) out += ' ';
    if (value.is_object()) out += name + '=';
    out += item.get<std::string>();
  }
  return out;
}

std::string text_at(const json::Value& item, const std::string& path) {
  const auto* value = &item;
  for (const auto name : split(path, '.')) {
    const auto it = value->find(std::string(name));
    if (it == value->end()) return "";
    value = &*it;
  }
  return text_of(*value);
}

Column member(const std::string& path, const std::string& title, bool right) {
  return {path, title, [path](const json::Value& item) { return text_at(item, path); }, right};
}

std::string decimals_at(const json::Value& item, const std::string& name) {
  const auto it = item.find(name);
  if (it == item.end() || !it->is_number()) return "";
  auto text = std::to_string(it->get<double>());
  return text.substr(0, text.find('.') + 3);
}

Column decimals(const std::string& name, const std::string& title) {
  return {name, title, [name](const json::Value& item) { return decimals_at(item, name); }, true};
}

std::unique_ptr<ListWriter> make_list_writer(Format format, std::ostream& out,
                                             std::vector<Column> columns) {
  switch (format) {
    case Format::kJson: return std::make_unique<JsonWriter>(out);
    case Format::kCsv: return std::make_unique<CsvWriter>(out, std::move(columns));
    case Format::kTable: break;
  }
  return std::make_unique<TableWriter>(out, std::move(columns));
}

void print_items(Format format, std::ostream& out, std::vector<Column> columns,
                 const json::Value& items) {
  const auto writer = make_list_writer(format, out, std::move(columns));
  for (const auto& item : items) writer->add(item);
  writer->finish();
}

json::Value list_in(const json::Value& document, const char* name) {
  const auto list = document.find(name);
  return list != document.end() && list->is_array() ? *list : json::Value::array();
}

bool print_as_json(Format format, std::ostream& out, const json::Value& document) {
  if (format == Format::kJson) out << json::dump(document, 2) << '\n';
  return format == Format::kJson;
}

void write_item(Format format, std::ostream& out, const std::vector<Column>& columns,
                const json::Value& item) {
  if (print_as_json(format, out, item)) return;
  if (format == Format::kCsv) {
    out << csv_line(names(columns)) << csv_line(cells(columns, item));
    return;
  }
  TableText table;
  for (const auto& column : columns) table.rows.push_back({column.title, column.text(item)});
  write_table(out, table);
}

}  // namespace mx2::ctl
