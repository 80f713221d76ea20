#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "attnviz/error.h"
#include "text/csv.h"
#include "text/row_input.h"

namespace attnviz {
namespace {

/// The header's names, as an error lists them.
std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kMostListed = 20;
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), kMostListed); ++i) {
    list += (i == 0 ? "" : ", ") + visible(names[i]);
  }
  const std::size_t more = names.size() - std::min(names.size(), kMostListed);
  return list + (more > 0 ? " and " + std::to_string(more) + " more" : "");
}

/// CSV and TSV, some columns of which are texts.
class Table : public RowReader::Format {
 public:
  Table(std::istream& in, const RowOptions& options, const std::string& what)
      : options_(options), what_(what), reader_(in, options, what) {
    if (options.header) {
      read_header();
      return;
    }
    text_ = numbered(options.text_column.value_or("1"));
    if (options.pair_column) pair_ = numbered(*options.pair_column);
    if (options.target_column) target_ = numbered(*options.target_column);
    if (options.id_column) id_ = numbered(*options.id_column);
  }

  std::optional<Row> next() override {
    if (!reader_.next()) return std::nullopt;
    if (!reader_.fault().empty()) return faulty_row(reader_.line(), reader_.fault());
    if (reader_.too_long()) return too_long_row(reader_.line(), options_.most_bytes);
    if (columns_ == 0) set_columns();
    if (reader_.fields() != columns_) {
      return faulty_row(reader_.line(), "wrong number of fields, expected " + std::to_string(columns_) +
                                            ", got " + std::to_string(reader_.fields()));
    }
    const auto field = [this](std::optional<std::size_t> column) -> std::optional<std::string_view> {
      if (!column) return std::nullopt;
      return reader_.field(*column);
    };
    const RowFields fields{
        .text = reader_.field(text_), .pair = field(pair_), .target = field(target_), .id = field(id_)};
    return checked_row(reader_.line(), fields, options_.invalid_utf8);
  }

 private:
  void read_header() {
    if (!reader_.next()) throw Error(what_ + ": empty, expected a header that names the columns");
    if (reader_.too_long()) refuse_header(too_long_row(1, options_.most_bytes).fault);
    if (!reader_.fault().empty()) refuse_header(reader_.fault());
    std::vector<std::string> names;
    for (std::size_t i = 0; i < reader_.fields(); ++i) {
      names.push_back(valid_utf8(reader_.field(i), options_.invalid_utf8, what_ + ": header"));
    }
    columns_ = names.size();
    text_ = options_.text_column ? named(names, *options_.text_column) : default_column(names);
    if (options_.pair_column) pair_ = named(names, *options_.pair_column);
    if (options_.target_column) target_ = named(names, *options_.target_column);
    if (options_.id_column) id_ = named(names, *options_.id_column);
  }

  [[noreturn]] void refuse_header(const std::string& fault) const {
    throw Error(what_ + ": header: " + fault, "mend its first row, or use --no-header");
  }

  [[nodiscard]] std::size_t named(const std::vector<std::string>& names, const std::string& name) const {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      const std::string near = nearest(name, names);
      throw Error(what_ + ": no column " + visible(name) + ", expected one of " + listed(names),
                  near.empty() ? "" : "did you mean " + visible(near) + "?");
    }
    if (std::find(found + 1, names.end(), name) != names.end()) {
      throw Error(what_ + ": two columns are named " + visible(name), "rename one of them in its first row");
    }
    return static_cast<std::size_t>(found - names.begin());
  }

  [[nodiscard]] std::size_t default_column(const std::vector<std::string>& names) const {
    if (names.size() == 1) return 0;
    if (std::find(names.begin(), names.end(), "text") != names.end()) return named(names, "text");
    throw Error(what_ + ": no column text, expected one of " + listed(names),
                "name the one that holds the texts with --column");
  }

  [[nodiscard]] std::size_t numbered(const std::string& given) const {
    std::size_t number = 0;
    const char* const end = given.data() + given.size();
    const auto [stop, error] = std::from_chars(given.data(), end, number);
    if (error != std::errc() || stop != end || number == 0) {
      throw Error(what_ + ": column " + visible(given) +
                  ": expected a number from 1 on, as there is no header");
    }
    return number - 1;
  }

  /// Without a header the first row without a fault says how many columns there are.
  void set_columns() {
    const std::size_t most = std::max({text_, pair_.value_or(0), target_.value_or(0), id_.value_or(0)}) + 1;
    columns_ = reader_.fields();
    if (columns_ < most) {
      throw Error(what_ + ": no column " + std::to_string(most) + ", expected 1 to " +
                  std::to_string(columns_));
    }
  }

  RowOptions options_;
  std::string what_;
  CsvReader reader_;
  std::size_t columns_ = 0;  ///< 0 before a row without a header was read
  std::size_t text_ = 0;
  std::optional<std::size_t> pair_, target_, id_;
};

}  // namespace

std::unique_ptr<RowReader::Format> read_table(std::istream& in, const RowOptions& options,
                                              const std::string& what) {
  return std::make_unique<Table>(in, options, what);
}

}  // namespace attnviz
