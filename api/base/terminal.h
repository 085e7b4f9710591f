// Text for people at a terminal. Pure functions.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace mx2 {

// Rows of equal length in aligned columns, two spaces apart, "-" for an empty cell, without spaces
// at the end of a line.
struct TableText {
  std::vector<std::vector<std::string>> rows;
  std::vector<bool> right;  // per column; missing: left
};
void write_table(std::ostream& out, const TableText& table);

// Columns a terminal needs for UTF-8 text: none for combining marks, two for wide characters.
[[nodiscard]] std::size_t display_width(std::string_view utf8);
// Control characters made visible (\n, \x1b): text of others must not steer the terminal.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace mx2
