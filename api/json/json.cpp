#include "api/json/json.h"

#include <algorithm>

#include "api/base/text.h"

namespace mx2::json {
namespace {

// Builds the document as nlohmann's scanner reports it, and stops at the first thing we refuse.
class BoundedBuilder final : public nlohmann::json_sax<Value> {
 public:
  BoundedBuilder(Value& root, std::size_t text_bytes) : root_(root), text_bytes_(text_bytes) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool binary(binary_t&) override { return refuse("binary value"); }
  bool string(string_t& value) override {
    if (value.find('\0') != std::string::npos) return refuse("NUL character in a string");
    return add(std::move(value));
  }
  bool start_object(std::size_t) override { return open(Value::object()); }
  bool start_array(std::size_t) override { return open(Value::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (name.find('\0') != std::string::npos) return refuse("NUL character in a member name");
    const auto [it, fresh] = stack_.back()->emplace(std::move(name), nullptr);
    if (!fresh) return refuse("member '" + it.key() + "' appears twice");
    member_ = &it.value();
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& e) override {
    static constexpr int kNumberTooLarge = 406;
    const auto* what = e.id == kNumberTooLarge  ? "a number that is too large"
                       : position > text_bytes_ ? "the text ends too early"
                                                : "no JSON from here on";
    return refuse("byte " + std::to_string(position) + ": " + what);
  }

  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  template <typename T>
  bool add(T&& value) {
    place(Value(std::forward<T>(value)));
    return true;
  }

  Value* place(Value value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (stack_.back()->is_array()) {
      stack_.back()->push_back(std::move(value));
      return &stack_.back()->back();
    }
    *member_ = std::move(value);
    return member_;
  }

  bool open(Value container) {
    if (stack_.size() >= kDepthMax) {
      return refuse("nested deeper than " + std::to_string(kDepthMax) + " levels");
    }
    stack_.push_back(place(std::move(container)));
    return true;
  }

  bool close() {
    stack_.pop_back();
    return true;
  }

  bool refuse(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  Value& root_;
  const std::size_t text_bytes_;
  std::vector<Value*> stack_;  // open containers; stable, as only the innermost one grows
  Value* member_ = nullptr;
  std::string problem_;
};

const char* type_name(Value::value_t type) {
  switch (type) {
    case Value::value_t::object: return "an object";
    case Value::value_t::array: return "an array";
    case Value::value_t::string: return "a string";
    case Value::value_t::boolean: return "true or false";
    default: return "a number";
  }
}

// RFC 6901: '~' and '/' in a member name are escaped.
std::string escape_pointer(std::string_view member) {
  std::string out;
  for (const char c : member) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

Result<Value> parse(std::string_view text) {
  // nlohmann's scanner would take it for the end of the text.
  if (text.find('\0') != std::string_view::npos) {
    return invalid_argument("malformed JSON: NUL character");
  }
  Value root;
  BoundedBuilder builder(root, text.size());
  if (!Value::sax_parse(text, &builder)) {
    return invalid_argument("malformed JSON: " + builder.problem());
  }
  return root;
}

std::string dump(const Value& value, int indent) {
  return value.dump(indent, ' ', false, Value::error_handler_t::replace);
}

std::string text_of(const Value& object, const char* member) {
  if (!object.is_object()) return {};
  const auto it = object.find(member);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

namespace {

std::string problem_member(std::string_view text, const char* member) {
  const auto document = parse(text);
  return document ? text_of(*document, member) : std::string();
}

}  // namespace

std::string problem_detail(std::string_view text) { return problem_member(text, "detail"); }
std::string problem_type(std::string_view text) { return problem_member(text, "type"); }

bool is_single_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
  });
}

ObjectReader::ObjectReader(const Value& value, std::string pointer, Errors& errors)
    : object_(&value), pointer_(std::move(pointer)), errors_(errors) {
  static const Value kEmpty = Value::object();
  if (value.is_object()) return;
  object_ = &kEmpty;
  errors_.add(invalid_argument("must be an object", pointer_));
}

std::string ObjectReader::at(std::string_view member) const {
  return member.empty() ? pointer_ : pointer_ + "/" + escape_pointer(member);
}

void ObjectReader::fail(std::string detail, std::string_view member) {
  errors_.add(invalid_argument(std::move(detail), at(member)));
}

const Value* ObjectReader::find(const char* name) const {
  const auto it = object_->find(name);
  return it == object_->end() ? nullptr : &*it;
}

const Value* ObjectReader::need(const char* name, Value::value_t type) {
  const Value* value = find(name);
  if (value == nullptr) {
    fail("is missing", name);
  } else if (value->type() != type) {
    fail(std::string("must be ") + type_name(type), name);
    value = nullptr;
  }
  return value;
}

const Value* ObjectReader::array(const char* name, std::size_t items_max) {
  const Value* value = find(name) == nullptr ? nullptr : need(name, Value::value_t::array);
  if (value != nullptr && value->size() > items_max) {
    fail("has more than " + std::to_string(items_max) + " items", name);
    return nullptr;
  }
  return value;
}

const Value* ObjectReader::object(const char* name) {
  return find(name) == nullptr ? nullptr : need(name, Value::value_t::object);
}

const Value* ObjectReader::text_member(const char* name, Chars limit) {
  const Value* value = need(name, Value::value_t::string);
  if (value == nullptr) return nullptr;
  const auto length = code_points(value->get_ref<const std::string&>());
  if (length >= limit.least && length <= limit.most) return value;
  fail(length < limit.least ? "must not be empty"
                            : "is longer than " + std::to_string(limit.most) + " characters",
       name);
  return nullptr;
}

void ObjectReader::required(const char* name, std::string& out, Chars limit) {
  const Value* value = text_member(name, limit);
  if (value != nullptr) out = value->get_ref<const std::string&>();
}

void ObjectReader::required_line(const char* name, std::string& out, Chars limit) {
  required(name, out, limit);
  check_line(name, out);
}

void ObjectReader::check_line(const char* name, const std::string& text) {
  if (!is_single_line(text)) fail("must be on one line", name);
}

void ObjectReader::check_http(const char* name, const std::string& uri) {
  if (!uri.empty() && !has_http_scheme(uri)) fail("must begin with http:// or https://", name);
}

void ObjectReader::optional(const char* name, std::optional<std::string>& out, Chars limit) {
  if (find(name) != nullptr) required(name, out.emplace(), limit);
}

void ObjectReader::optional(const char* name, std::string& out, Chars limit) {
  if (find(name) != nullptr) required(name, out, limit);
}

void ObjectReader::required(const char* name, bool& out) {
  const Value* value = need(name, Value::value_t::boolean);
  if (value != nullptr) out = value->get<bool>();
}

void ObjectReader::optional(const char* name, std::optional<bool>& out) {
  bool value = false;
  if (find(name) == nullptr) return;
  required(name, value);
  if (ok()) out = value;
}

void ObjectReader::optional(const char* name, bool& out) {
  if (find(name) != nullptr) required(name, out);
}

std::optional<std::int64_t> ObjectReader::integer(const char* name, std::int64_t least,
                                                  std::int64_t most) {
  const Value* value = find(name);
  if (value == nullptr) return std::nullopt;
  const bool too_big =
      value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(most);
  if (!value->is_number_integer()) {
    fail("must be an integer", name);
  } else if (too_big || value->get<std::int64_t>() < least || value->get<std::int64_t>() > most) {
    fail("must be from " + std::to_string(least) + " to " + std::to_string(most), name);
  } else {
    return value->get<std::int64_t>();
  }
  return std::nullopt;
}

void ObjectReader::optional(const char* name, std::optional<double>& out, double most) {
  const Value* value = find(name);
  if (value == nullptr) return;
  if (!value->is_number() || value->get<double>() < 0 || value->get<double>() > most) {
    return fail("must be a number from 0 to " + Value(most).dump(), name);
  }
  out = value->get<double>();
}

void ObjectReader::fail_choice(const char* name, std::span<const std::string_view> texts) {
  std::string all = "must be ";
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) all += i + 1 == texts.size() ? " or " : ", ";
    all += texts[i];
  }
  fail(std::move(all), name);
}

void ObjectReader::required_either(const char* name, bool& out, const char* yes, const char* no) {
  std::string text;
  const auto before = errors_.count();
  required(name, text, kAnyText);
  if (errors_.count() != before) return;
  out = text == yes;
  if (!out && text != no) fail_choice(name, EnumTexts<2>{yes, no});
}

void ObjectReader::optional_either(const char* name, bool& out, const char* yes, const char* no) {
  if (find(name) != nullptr) required_either(name, out, yes, no);
}

void ObjectReader::required(const char* name, std::vector<std::string>& out, Chars limit,
                            std::size_t items_max) {
  if (need(name, Value::value_t::array) == nullptr) return;
  optional(name, out, limit, items_max);
  if (out.empty()) fail("must not be empty", name);
}

void ObjectReader::optional(const char* name, std::vector<std::string>& out, Chars limit,
                            std::size_t items_max) {
  const Value* items = array(name, items_max);
  if (items == nullptr) return;
  for (std::size_t i = 0; i < items->size(); ++i) {
    const Value& item = (*items)[i];
    const std::string where = std::string(name) + "/" + std::to_string(i);
    if (!item.is_string()) {
      errors_.add(invalid_argument("must be a string", pointer_ + "/" + where));
      continue;
    }
    const auto length = code_points(item.get_ref<const std::string&>());
    if (length < limit.least || length > limit.most) {
      errors_.add(invalid_argument("is empty or too long", pointer_ + "/" + where));
      continue;
    }
    out.push_back(item.get<std::string>());
  }
}

void ObjectReader::refuse_unknown(const std::vector<std::string>& known) {
  for (const auto& [name, value] : object_->items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    if (!errors_.wants_more()) return;
    fail("is not known" + did_you_mean(name, known), name);
  }
}

}  // namespace mx2::json
