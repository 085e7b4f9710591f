// What a list is asked for, ETSI GS MEC 009 clauses 6.18 and 6.19: `filter`, and which attributes.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "api/http/query.h"
#include "api/mec/attribute_filter.h"

namespace mx2 {

class ListQuery {
 public:
  // `optional`, `by_default`: as AttributeSelector has them. invalid_argument for anything else, or
  // anything twice.
  [[nodiscard]] static Result<ListQuery> parse(std::string_view raw,
                                               const std::vector<std::string>& optional,
                                               const std::vector<std::string>& by_default) {
    const auto all = http::parse_query(raw);
    if (!all) return all.error();
    const auto query = http::SingleValued::parse(
        raw, {"filter", "all_fields", "fields", "exclude_fields", "exclude_default"});
    if (!query) return query.error();
    AttributeSelector::Query wanted;
    wanted.fields = query->text("fields");
    wanted.exclude_fields = query->text("exclude_fields");
    for (const auto& parameter : *all) {  // flags: there or not, whatever their value
      wanted.all_fields |= parameter.name == "all_fields";
      wanted.exclude_default |= parameter.name == "exclude_default";
    }
    auto selector = AttributeSelector::make(wanted, optional, by_default);
    if (!selector) return selector.error();
    ListQuery out{{}, std::move(*selector)};
    if (const auto text = query->text("filter"); !text.empty()) {
      auto filter = AttributeFilter::parse(text);
      if (!filter) return filter.error();
      out.filter_ = std::move(*filter);
    }
    return out;
  }

  // To the list, if the filter takes it, without what is not asked for.
  void add(json::Value item, json::Value& list) const {
    if (!filter_.matches(item)) return;
    selector_.apply(item);
    list.push_back(std::move(item));
  }

 private:
  ListQuery(AttributeFilter filter, AttributeSelector selector)
      : filter_(std::move(filter)), selector_(std::move(selector)) {}

  AttributeFilter filter_;
  AttributeSelector selector_;
};

}  // namespace mx2
