#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <streambuf>
#include <vector>

#include "attnviz/text.h"
#include "support/support.h"

namespace attnviz {
namespace {

using namespace std::string_literals;

std::vector<Row> rows_of(const std::string& bytes, const RowOptions& options) {
  std::istringstream in(bytes);
  RowReader reader(in, options, "file");
  std::vector<Row> rows;
  while (std::optional<Row> row = reader.next()) rows.push_back(std::move(*row));
  return rows;
}

/// A row in one line: "2:the text", with "|pair" and "#id" where it has them, or "2!the fault".
std::string shown(const Row& row) {
  return std::to_string(row.line) + (row.fault.empty() ? ":" + row.text : "!" + row.fault) +
         (row.pair ? "|" + *row.pair : "") + (row.target ? ">" + *row.target : "") +
         (row.id ? "#" + *row.id : "");
}

using Shown = std::vector<std::string>;

struct Case {
  std::string bytes;
  Shown rows;
};

/// Whatever the size of the blocks read, a file gives the same rows.
void expect_rows(const Case& c, RowOptions options) {
  for (const std::size_t block_bytes : {1 << 18, 3, 4, 5, 7}) {
    options.block_bytes = block_bytes;
    Shown rows;
    std::size_t index = 0;
    for (const Row& row : rows_of(c.bytes, options)) {
      EXPECT_EQ(row.index, index++);
      rows.push_back(shown(row));
    }
    EXPECT_EQ(rows, c.rows) << "of " << testing::PrintToString(c.bytes) << " in blocks of " << block_bytes;
  }
}

std::string error_of(const std::string& bytes, const RowOptions& options) {
  return test::error_of([&] { (void)rows_of(bytes, options); });
}

TEST(RowFormat, FollowsTheExtension) {
  struct Name {
    std::string path;
    std::optional<RowFormat> format;
  };
  for (const Name& n : {Name{"a.txt", RowFormat::lines}, Name{"a.JSONL", RowFormat::json_lines},
                        Name{"a.b/c.ndjson", RowFormat::json_lines}, Name{"a.Csv", RowFormat::csv},
                        Name{"a.tsv", RowFormat::tsv}, Name{"a.json", {}}, Name{"csv", {}}, Name{"-", {}}}) {
    EXPECT_EQ(row_format(n.path), n.format) << n.path;
  }
}

TEST(Lines, AreOneTextEach) {
  for (const Case& c : {
           Case{"", {}},
           Case{"one", {"1:one"}},
           Case{"one\ntwo\n", {"1:one", "2:two"}},
           Case{"one\r\ntwo\r", {"1:one", "2:two\r"}},
           Case{"\r\n\none\n", {"1!empty", "2!empty", "3:one"}},
           Case{" \n\t\n", {"1: ", "2:\t"}},
           Case{"\xEF\xBB\xBFone\n\xEF\xBB\xBFtwo", {"1:one", "2:\uFEFFtwo"}},
           Case{"\xEF\xBB\xBF", {}},
           Case{"\xEF\xBB", {"1!not UTF-8 at byte 0 (0xEF)"}},
           Case{"a\0b\n"s, {"1:a\0b"s}},
           Case{"one\ntw\xF6\nthree", {"1:one", "2!not UTF-8 at byte 2 (0xF6)", "3:three"}},
       }) {
    expect_rows(c, {});
  }
}

TEST(Lines, AreOfAnyBytesWhenTheseAreReplaced) {
  expect_rows({"tw\xF6\n\xFF", {"1:tw\uFFFD", "2:\uFFFD"}}, {.invalid_utf8 = InvalidUtf8::replace});
}

TEST(Rows, ThatAreTooLongArePassedOver) {
  struct Long {
    RowFormat format;
    Case c;
  };
  for (const Long& l : {
           Long{RowFormat::lines,
                {"12345678\n123456789\r\n12345678\r\n123456789",
                 {"1:12345678", "2!longer than 8 bytes", "3:12345678", "4!longer than 8 bytes"}}},
           Long{RowFormat::csv,
                {"text\n123,456\n\"12345\"\"\"\n\"1\n2\n34\"\n1234567890\n,,,,,,,,,,"
                 "\n12345678\r\n\"1\n2345678\n",
                 {"2!wrong number of fields, expected 1, got 2", "3!longer than 8 bytes", "4:1\n2\n34",
                  "7!longer than 8 bytes", "8!longer than 8 bytes", "9:12345678", "10!quote not closed"}}},
           Long{RowFormat::json_lines,
                {"[[[[[[[[[\n{} \n        \n         \n",
                 {"1!longer than 8 bytes", "2!no field \"text\"", "4!longer than 8 bytes"}}},
       }) {
    expect_rows(l.c, {.format = l.format, .most_bytes = 8});
  }
  const std::vector<Row> rows = rows_of(std::string((1 << 20) + 1, 'x') + "\nnext", {});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(shown(rows[0]), "1!longer than 1 MiB");
  EXPECT_EQ(shown(rows[1]), "2:next");
}

TEST(Csv, IsReadAsRfc4180) {
  for (const Case& c : {
           Case{"text", {}},
           Case{"text\nwell\n", {"2:well"}},
           Case{"\xEF\xBB\xBF\"text\"\r\n\"well\"\r\n", {"2:well"}},
           Case{"id,text\n1,\"a, b\"\n", {"2:a, b"}},
           Case{"id,text\n1,\"he said \"\"no\"\"\"\n", {"2:he said \"no\""}},
           Case{"id,text\n1,\"two\r\nlines\"\n2,\"\n\"\n3,end", {"2:two\r\nlines", "4:\n", "6:end"}},
           Case{"id,text\n1,in 5\" pipes\n2, \"so\"\n", {"2:in 5\" pipes", "3: \"so\""}},
           Case{"id,text\n\n\r\n1,a\n\n2,b\n\n", {"4:a", "6:b"}},
           Case{"text\n\"\"\n \n", {"2!empty", "3: "}},
           Case{"id,text\r1,a\r\r2,b", {"2:a", "4:b"}},
           Case{"id,text\n1\n2,b,c\n3,\n",
                {"2!wrong number of fields, expected 2, got 1", "3!wrong number of fields, expected 2, got 3",
                 "4!empty"}},
           Case{"id,text\n1,\"a\"b\"c\n\"1\"2,b\n3,c\n",
                {"2!text behind a closing quote in column 2", "3!text behind a closing quote in column 1",
                 "4:c"}},
           Case{"id,text\n1,a\n2,\"b\nc,d\n", {"2:a", "3!quote not closed"}},
           Case{"id,text\n1,\xFF\n\xFF,b\n", {"2!not UTF-8 at byte 0 (0xFF)", "3:b"}},
           Case{"id,text\n1,\0\n"s, {"2:\0"s}},
       }) {
    expect_rows(c, {.format = RowFormat::csv});
  }
}

TEST(Tsv, HasTabsForCommas) {
  expect_rows({"id\ttext\n1\ta, b\n2\t\"a\tb\"\n", {"2:a, b", "3:a\tb"}}, {.format = RowFormat::tsv});
}

TEST(Columns, AreThoseOfTheHeader) {
  const std::string bytes = "id,text,comment,other,other\n7,a,b,c,d\n,,,,\n";
  struct Choice {
    RowOptions options;
    Shown rows;
  };
  for (const Choice& c : {
           Choice{{}, {"2:a", "3!empty"}},
           Choice{{.text_column = "comment"}, {"2:b", "3!empty"}},
           Choice{{.text_column = "text", .pair_column = "comment"}, {"2:a|b", "3!empty"}},
           Choice{{.text_column = "text", .target_column = "comment"}, {"2:a>b", "3!empty"}},
           Choice{{.id_column = "id"}, {"2:a#7", "3!empty#"}},
       }) {
    RowOptions options = c.options;
    options.format = RowFormat::csv;
    expect_rows({bytes, c.rows}, options);
  }
}

TEST(Columns, AreCountedWithoutAHeader) {
  const std::string bytes = "a,b\nc,d\ne\n";
  const std::string ragged = "3!wrong number of fields, expected 2, got 1";
  expect_rows({bytes, {"1:a", "2:c", ragged}}, {.format = RowFormat::csv, .header = false});
  expect_rows({bytes, {"1:b#a", "2:d#c", ragged}},
              {.format = RowFormat::csv, .text_column = "2", .id_column = "1", .header = false});
  expect_rows({"", {}}, {.format = RowFormat::csv, .header = false});
}

TEST(Columns, ThatAreNotThereAreAnError) {
  struct Wrong {
    std::string bytes;
    RowOptions options;
    std::string message;
  };
  for (const Wrong& w : {
           Wrong{"", {}, "file: empty, expected a header that names the columns"},
           Wrong{"\n\n", {}, "file: empty, expected a header that names the columns"},
           Wrong{"id,comment\n",
                 {},
                 "file: no column text, expected one of id, comment\n"
                 "  hint: name the one that holds the texts with --column"},
           Wrong{"id,comment\n",
                 {.text_column = "coment"},
                 "file: no column coment, expected one of id, comment\n  hint: did you mean comment?"},
           Wrong{"id,text\n", {.pair_column = "\x1B"}, "file: no column ␛, expected one of id, text"},
           Wrong{"id,text,text\n",
                 {},
                 "file: two columns are named text\n  hint: rename one of them in its first row"},
           Wrong{"id,\"text\n",
                 {},
                 "file: header: quote not closed\n  hint: mend its first row, or use --no-header"},
           Wrong{"id,t\xFFxt\n",
                 {},
                 "file: header: not UTF-8 at byte 1 (0xFF)\n"
                 "  hint: convert it to UTF-8, or use --invalid-utf8 replace"},
           Wrong{std::string((1 << 20) + 1, ','),
                 {},
                 "file: header: longer than 1 MiB\n  hint: mend its first row, or use --no-header"},
           Wrong{"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22",
                 {},
                 "file: no column text, expected one of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, "
                 "16, 17, "
                 "18, 19, 20 and 2 more\n  hint: name the one that holds the texts with --column"},
           Wrong{"a,b\n", {.text_column = "3", .header = false}, "file: no column 3, expected 1 to 2"},
           Wrong{"a,b\n",
                 {.id_column = "id", .header = false},
                 "file: column id: expected a number from 1 on, as there is no header"},
           Wrong{"a,b\n",
                 {.text_column = "0", .header = false},
                 "file: column 0: expected a number from 1 on, as there is no header"},
       }) {
    RowOptions options = w.options;
    options.format = RowFormat::csv;
    EXPECT_EQ(error_of(w.bytes, options), w.message);
  }
}

TEST(JsonLines, AreObjectsWithAText) {
  for (const Case& c : {
           Case{"", {}},
           Case{"{\"text\": \"a\"}\n\n \t\r\n{\"text\": \"b\\n\\u00e9\\ud83d\\ude00\"}", {"1:a", "4:b\né😀"}},
           Case{"\xEF\xBB\xBF{\"text\": \"a\"}\r\n", {"1:a"}},
           Case{R"({"x": [{"text": "no"}], "text": "a", "y": {"text": "no"}})", {"1:a"}},
           Case{R"({"text": 1, "text": "a", "n": 12345678901234567890123})", {"1:a"}},
           Case{R"({"text": "a", "text": null})", {"1!\"text\" is null, expected a string"}},
           Case{"{\"text\": \"\"}", {"1!empty"}},
           Case{"{\"text\": \"\\u0000\"}", {"1:\0"s}},
           Case{"{}", {"1!no field \"text\""}},
           Case{R"({"text": ["a"]})", {"1!\"text\" is a list, expected a string"}},
           Case{R"({"text": {"text": "a"}})", {"1!\"text\" is an object, expected a string"}},
           Case{R"({"text": 1})", {"1!\"text\" is an integer, expected a string"}},
           Case{"[\"text\"]", {"1!expected an object, got a list"}},
           Case{"\"text\"", {"1!expected an object, got a string"}},
           Case{"{\"text\": \"a\"", {"1!not JSON at byte 13"}},
           Case{"{\"text\": \"a\"} x", {"1!not JSON at byte 15"}},
           Case{"{\"text\": \"a\"}\0"s, {"1!not JSON at byte 14"}},
           Case{"{\"text\": NaN}", {"1!not JSON at byte 10"}},
           Case{"{\"text\": \"a\", \"n\": 1e999}", {"1!a number too large at byte 24"}},
           Case{"{\"text\": \"\\ud800\"}", {"1!half of a surrogate pair at byte 17"}},
           Case{"{\"text\": \"\\udc00\"}", {"1!half of a surrogate pair at byte 16"}},
           Case{"{\"text\": \"\xFF\"}", {"1!not UTF-8 at byte 10 (0xFF) of the line"}},
       }) {
    expect_rows(c, {.format = RowFormat::json_lines});
  }
  expect_rows({"{\"text\": \"\xFF\"}", {"1:\uFFFD"}},
              {.format = RowFormat::json_lines, .invalid_utf8 = InvalidUtf8::replace});
}

TEST(JsonLines, NameTheirFields) {
  RowOptions options{
      .format = RowFormat::json_lines, .text_column = "a", .pair_column = "b", .id_column = "id"};
  for (const Case& c : {
           Case{R"({"id": "x", "a": "1", "b": "2"})", {"1:1|2#x"}},
           Case{R"({"id": -7, "a": "1", "b": "2"})", {"1:1|2#-7"}},
           Case{R"({"id": 12345678901234567890123, "a": "1", "b": "2"})", {"1:1|2#12345678901234567890123"}},
           Case{R"({"id": 7, "a": "1"})", {"1!no field \"b\"#7"}},
           Case{R"({"id": 7, "a": "1", "b": ""})", {"1!pair: empty#7"}},
           Case{R"({"id": 7.0, "a": "1", "b": "2"})",
                {"1!\"id\" is a fraction, expected a string or an integer"}},
       }) {
    expect_rows(c, options);
  }
  options = {.format = RowFormat::json_lines, .text_column = "a", .target_column = "b"};
  expect_rows({R"({"a": "1", "b": "2"})", {"1:1>2"}}, options);
  expect_rows({R"({"a": "1"})", {"1!no field \"b\""}}, options);
  expect_rows({R"({"a": "1", "b": ""})", {"1!target: empty"}}, options);
  options = {.format = RowFormat::json_lines, .text_column = "a", .pair_column = "a", .id_column = "a"};
  expect_rows({R"({"a": "1"})", {"1:1|1#1"}}, options);
}

TEST(JsonLines, NestAsDeepAsALineIsLong) {
  const std::string deep = std::string(1 << 20, '[') + "\n";
  EXPECT_EQ(shown(rows_of(deep, {.format = RowFormat::json_lines}).at(0)),
            "1!expected an object, got a list");
  const std::string within = "{\"a\": " + std::string(1 << 19, '[') + std::string(1 << 18, ']') + "\n";
  EXPECT_EQ(shown(rows_of(within, {.format = RowFormat::json_lines}).at(0)),
            "1!not JSON at byte " + std::to_string(within.size()));
}

TEST(Rows, OfTheFilesThatOtherTestsReadCanBeUsed) {
  struct File {
    std::string name;
    RowOptions options;
    std::size_t rows;
  };
  for (const File& f : {
           File{"sentences.txt", {}, 500},
           File{"comments.csv", {.text_column = "comment", .id_column = "id"}, 60},
       }) {
    std::ifstream in(test::data(f.name));
    RowOptions options = f.options;
    options.format = row_format(f.name).value();
    RowReader reader(in, options, f.name);
    std::size_t rows = 0;
    for (; const std::optional<Row> row = reader.next(); ++rows) EXPECT_EQ(row->fault, "") << row->line;
    EXPECT_EQ(rows, f.rows) << f.name;
  }
}

/// Gives some bytes, and fails then.
class FailingBuffer : public std::streambuf {
 public:
  explicit FailingBuffer(std::string bytes) : bytes_(std::move(bytes)) {
    setg(bytes_.data(), bytes_.data(), bytes_.data() + bytes_.size());
  }

 protected:
  int_type underflow() override {
    errno = EIO;
    throw std::ios_base::failure("gone");
  }

 private:
  std::string bytes_;
};

TEST(Rows, OfAStreamThatFailsAreAnError) {
  test::TemporaryDirectory directory;
  std::ifstream folder(directory.path()), missing(directory / "missing");
  EXPECT_EQ(test::error_of([&] { RowReader(folder, {}, "folder"); }),
            "folder: can't be read: Is a directory");
  EXPECT_THROW(RowReader(missing, {}, "missing"), Error);
  FailingBuffer buffer(std::string(1 << 18, '\n') + "half a line");
  std::istream failing(&buffer);
  RowReader reader(failing, {}, "device");
  for (int i = 0; i < 1 << 18; ++i) ASSERT_TRUE(reader.next());
  EXPECT_EQ(test::error_of([&] { (void)reader.next(); }), "device: can't be read: Input/output error");
}

}  // namespace
}  // namespace attnviz
