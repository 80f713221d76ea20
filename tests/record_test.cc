#include "render/record.h"

#include <gtest/gtest.h>
#include <libdeflate.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "attnviz/file.h"
#include "attnviz/render.h"
#include "render/zlib.h"
#include "support/support.h"

namespace attnviz {
namespace {

using test::error_of;
using Writer = std::function<void(const Figure&, const Sink&)>;

/// The three kinds of file.
const std::vector<std::pair<std::string, Writer>>& kinds() {
  static const std::vector<std::pair<std::string, Writer>> kKinds = {
      {"a.png", [](const Figure& figure, const Sink& sink) { write_png(figure, 72, sink); }},
      {"a.svg", write_svg},
      {"a.pdf", write_pdf}};
  return kKinds;
}

std::string written(const Writer& write, const std::string& record) {
  const Figure figure{.width = 20,
                      .height = 10,
                      .items = {Rectangle{1, 1, 8, 8, {9, 99, 199}}, Line{0, 0, 9, 9}},
                      .title = "A <figure> without words",
                      .description = "</metadata> \"attnviz\"",
                      .record = record};
  std::string bytes;
  write(figure, [&bytes](std::string_view piece) { bytes += piece; });
  return bytes;
}

std::optional<std::string> read(std::string_view file) {
  return record_in(std::as_bytes(std::span(file)), "a.x");
}

/// Read, "none", or the error without its hint.
std::string read_or_fault(std::string_view file) {
  try {
    return read(file).value_or("none");
  } catch (const Error& error) {
    return error.what();
  }
}

/// JSON of numbers without order: it compresses to about half.
std::string long_record(std::size_t size) {
  std::mt19937 random(1);
  std::string record = "{\"weights\":[0";
  while (record.size() < size) record += ",0." + std::to_string(random());
  return record + "]}";
}

std::string every_ascii() {
  std::string text;
  for (char c = 0; c >= 0 && c < 127; ++c) text += c;
  return text + '\x7F';
}

TEST(Record, IsReadBackByteForByte) {
  const std::vector<std::string> records = {
      "{}",
      R"({"text":"\"quoted\" and \\ ]]> -- <!-- --> </metadata></attnviz:record></svg> &amp; &#10; <a b='c'/>"})",
      "{\"text\":\"The river bank 🏦 \U0010FFFF é ﷽ \uFFFD\uFFFE\uFFFF\u0085\u2028\uFEFF\"}",
      R"({"text":"\u0000\u001b[31m\uD83C\uDFE6"})",
      "\r\n{\r\n\t\"a\":\r1}\n ",
      every_ascii(),
      "endstream endobj %%EOF startxref 0 xref (attnviz.json) << >> IEND",
      long_record(1000),
      std::string(kLargestPiece - 2, 'a') + "🏦" + std::string(kLargestPiece - 4, 'b') + "é",
      long_record(5'000'000)};
  const test::TemporaryDirectory directory;
  for (const std::string& record : records) {
    for (const auto& [name, write] : kinds()) {
      const std::string file = written(write, record);
      EXPECT_TRUE(read(file) == record) << name << " " << record.substr(0, 100);
      EXPECT_EQ(file, written(write, record)) << name;
      test::write(directory / name, file);
      EXPECT_TRUE(read_record(directory / name) == record) << name;
    }
  }
}

TEST(Record, LeavesThePictureAsItIsWithoutOne) {
  const std::string record = long_record(1000);
  for (const auto& [name, write] : kinds()) {
    const std::string with = written(write, record), without = written(write, "");
    std::size_t same = 0;
    while (same < without.size() && with[same] == without[same]) ++same;
    // What is inserted may end as it is preceded; what remains after it is the rest, whole.
    EXPECT_EQ(with.substr(with.size() - (without.size() - same)), without.substr(same)) << name;
  }
}

TEST(Record, IsCompressedInAPngWhereThatIsShorter) {
  const std::string chunk = "iTXtattnviz";
  for (const auto& [record, flag] :
       {std::pair(std::string("{}"), '\0'), std::pair(long_record(1000), '\1')}) {
    const std::string file = written(kinds()[0].second, record);
    const std::size_t at = file.find(chunk);
    ASSERT_NE(at, std::string::npos);
    EXPECT_EQ(file.substr(at + chunk.size(), 5), std::string("\0", 1) + flag + std::string(3, '\0'));
  }
}

TEST(Record, IsHeldInPiecesThatOtherReadersAccept) {
  const std::string bank = "🏦", record = std::string(kLargestPiece - 2, 'a') + bank;
  EXPECT_EQ(png_record(record).size(), 2U);
  EXPECT_NE(svg_record(record).find("a</attnviz:record><attnviz:record>" + bank + "</"), std::string::npos);
}

TEST(Record, IsAbsentFromFilesWithoutOne) {
  for (const auto& [name, write] : kinds()) EXPECT_EQ(read(written(write, "")), std::nullopt) << name;
  for (const std::string file :
       {"<?xml version='1.0'?>\n<!-- Inkscape -->\n<svg><metadata id=\"m\"><rdf:RDF/></metadata></svg>\n",
        "\xEF\xBB\xBF <svg xmlns=\"http://www.w3.org/2000/svg\"><desc>attnviz:record</desc></svg><!-- -->",
        "<!DOCTYPE svg><svg:svg></svg:svg>",
        // Cross-references in a stream: not written here.
        "%PDF-1.5\n7 0 obj\n<< /Type /XRef >>\nstream\n\nendstream\nendobj\nstartxref\n9\n%%EOF\r\n"}) {
    EXPECT_EQ(read(file), std::nullopt) << file;
  }
}

TEST(Record, IsReadFromAPdfThatWasUpdatedSince) {
  const std::string file = written(kinds()[2].second, R"({"a":1})");
  const std::size_t table = std::stoul(file.substr(file.rfind("startxref") + 10));
  const std::string update =
      file + "xref\n0 0\ntrailer\n<</Size 9/Root " +
      file.substr(file.rfind("/Root") + 5, file.find(" R", file.rfind("/Root")) - file.rfind("/Root") - 5) +
      " R/Prev " + std::to_string(table) + ">>\nstartxref\n" + std::to_string(file.size()) + "\n%%EOF\n";
  EXPECT_EQ(read_or_fault(update), R"({"a":1})");
}

TEST(Record, IsNeverReadFromACutFile) {
  const std::string record = R"({"text":"<The> & bank","weights":[0.25,0.75]})";
  for (const auto& [name, write] : kinds()) {
    const std::string file = written(write, record), without = written(write, "");
    for (std::size_t size = 0; size < file.size(); ++size) {
      const std::string found = read_or_fault(std::string_view(file).substr(0, size));
      if (found == record) {
        EXPECT_EQ(file.substr(size), "\n") << name;
      } else if (found == "none") {
        EXPECT_TRUE(size + 1 >= without.size() && size <= without.size()) << name << " " << size;
      } else {
        EXPECT_TRUE(found.starts_with("a.x: it is cut") || found == "a.x: not a PNG, SVG, PDF or page") << found;
      }
    }
  }
}

TEST(Record, IsNeverReadWrongFromAPngWithAFlippedByte) {
  for (const std::string& record : {std::string(R"({"a":"b"})"), long_record(300)}) {
    const std::string file = written(kinds()[0].second, record);
    const std::size_t start = file.find("iTXtattnviz") - 4, end = file.find("IDAT") - 4;
    for (std::size_t i = start; i < end; ++i) {
      for (const char flip : {'\x01', '\x20', '\x80'}) {
        std::string broken = file;
        broken[i] = static_cast<char>(broken[i] ^ flip);
        const std::string found = read_or_fault(broken);
        EXPECT_TRUE(found.starts_with("a.x: it is cut") || found.starts_with("a.x: it is broken"))
            << i << " " << found;
      }
    }
  }
}

TEST(Record, IsNeverReadWrongFromAPdfWithAFlippedByte) {
  const std::string record = long_record(300), file = written(kinds()[2].second, record);
  for (std::size_t i = written(kinds()[2].second, "").size(); i < file.size(); ++i) {
    std::string broken = file;
    broken[i] = static_cast<char>(broken[i] ^ 1);
    const std::string found = read_or_fault(broken);
    EXPECT_TRUE(found == record || found == "none" || found.starts_with("a.x: it")) << i << " " << found;
  }
}

std::string svg_with(const std::string& content) {
  return "<svg><metadata><attnviz:record>" + content + "</attnviz:record></metadata></svg>";
}

TEST(Record, MayBeLargeWhereItsFileIs) {
  constexpr std::size_t kMiB = 1 << 20;
  EXPECT_EQ(largest_record(0), 256 * kMiB);
  EXPECT_EQ(largest_record(16 * kMiB), 256 * kMiB);
  EXPECT_EQ(largest_record(17 * kMiB), 272 * kMiB);
  EXPECT_EQ(largest_record(std::string::npos), 1024 * kMiB);
}

std::string big_endian(std::size_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xFF);
  return bytes;
}

/// A PNG of chunks of a record, each of `piece`.
std::string png_of(const std::string& piece, std::size_t count) {
  std::string data("iTXtattnviz\0\1\0\0\0", 16);
  data += deflated(piece, 6).view();
  const std::string chunk = big_endian(data.size() - 4) + data +
                            big_endian(libdeflate_crc32(0, data.data(), data.size()));
  std::string file = "\x89PNG\r\n\x1a\n";
  for (std::size_t i = 0; i < count; ++i) file += chunk;
  return file + std::string("\0\0\0\0IEND\xAE\x42\x60\x82", 12);
}

/// A PDF whose record is that stream.
std::string pdf_of(std::string_view packed) {
  std::string file = "%PDF-1.4\n", table;
  const std::string length = std::to_string(packed.size());
  for (const std::string& object : std::vector<std::string>{
        "1 0 obj\n<< /Names << /EmbeddedFiles << /Names [ (attnviz.json) 2 0 R ] >> >> >>\nendobj\n",
        "2 0 obj\n<< /EF << /F 3 0 R >> >>\nendobj\n",
        "3 0 obj\n<< /Filter /FlateDecode /Length " + length + " >>\nstream\n" + std::string(packed) +
            "\nendstream\nendobj\n"}) {
    const std::string offset = std::to_string(file.size());
    table += std::string(10 - offset.size(), '0') + offset + " 00000 n \n";
    file += object;
  }
  const std::string place = std::to_string(file.size());
  return file + "xref\n1 3\n" + table + "trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n" + place +
         "\n%%EOF\n";
}

TEST(Record, IsReadFromAnyPdfThatCarriesIt) {
  EXPECT_EQ(read_or_fault(pdf_of(deflated("{}", 6).view())), "{}");
}

TEST(Record, UnpacksToNoMoreThanAFigureNeeds) {
  const std::string blanks(kLargestPiece, ' '), more = blanks + " ";
  EXPECT_EQ(read_or_fault(png_of(blanks, 2)), blanks + blanks);
  EXPECT_EQ(read_or_fault(png_of(more, 1)), "a.x: its record: more than 1000000 bytes when decompressed");
  EXPECT_EQ(read_or_fault(png_of(blanks, 269)), "a.x: its record is larger than one can be");
}

TEST(Record, IsNotWrittenWhereItCouldNotBeRead) {
  const std::string blanks((1 << 28) + 1, ' ');
  const std::string packed(deflated(blanks, 6).view());
  EXPECT_EQ(error_of([&] { (void)packed_record(blanks); }),
            "record: 268435457 bytes, which pack to " + std::to_string(packed.size()) +
                ", expected at most 268435456\n  hint: write the figure without its record: --no-embed");
  EXPECT_EQ(read_or_fault(pdf_of(packed)),
            "a.x: its record: more than 268435456 bytes when decompressed");
}

TEST(Record, IsRefusedWithTheFault) {
  const std::string mark_up = "a.x: its record has mark-up that attnviz does not write";
  const std::string no_character = "a.x: its record names a character that does not exist";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "a.x: not a PNG, SVG, PDF or page"},
      {"GIF89a", "a.x: not a PNG, SVG, PDF or page"},
      {"<?xml version='1.0'?><html></html>", "a.x: not a PNG, SVG, PDF or page"},
      {"\x89PNG\r\n\x1a\n", "a.x: it is cut: a chunk ends beyond the file"},
      {"\x89PNG\r\n\x1a\n\xFF\xFF\xFF\xFFiTXtattnviz", "a.x: it is cut: a chunk ends beyond the file"},
      {"<svg><attnviz:record>{}", "a.x: it is cut: its end, </svg>, is missing"},
      {"<svg><attnviz:record>{}</svg>", "a.x: it is cut: its record has no end"},
      {svg_with("a<b/>"), mark_up},
      {svg_with("<![CDATA[{}]]>"), mark_up},
      {svg_with("&nbsp;"), mark_up},
      {svg_with("& " + std::string(99, ' ')), mark_up},
      {svg_with("<attnviz:c code=\"\"/>"), mark_up},
      {svg_with("<attnviz:c code=\"1114112\"/>"), no_character},
      {svg_with("&#xD800;"), no_character},
      {svg_with("&#;"), no_character},
      {svg_with("&#-1;"), no_character},
      {"%PDF-1.4\n", "a.x: it is cut: its end, %%EOF, is missing"},
      {"%PDF-1.4\nstartxref\n9999\n%%EOF", "a.x: it is broken: it does not say where its objects are"},
      {"%PDF-1.4\nstartxref\n0\n%%EOF", "a.x: it is broken: there is no table of objects where it says"},
      {"%PDF-1.4\nxref\n0 99999999999\nstartxref\n9\n%%EOF",
       "a.x: it is broken: its table of objects ends early"},
      {"%PDF-1.4\nxref\n1 1\n0000000001 00000 n \ntrailer\n<</Root 1 0 R>>startxref\n9\n%%EOF",
       "a.x: it is broken: object 1 is not where its table says"}};
  for (const auto& [file, fault] : cases) EXPECT_EQ(read_or_fault(file), fault) << file;
}

TEST(Record, SaysWhichFileAndWhatToDo) {
  const test::TemporaryDirectory directory;
  const std::string path = (directory / "a.gif").string(), cut = (directory / "cut.png").string();
  test::write(path, "GIF89a");
  test::write(cut, "\x89PNG\r\n\x1a\n\0");
  EXPECT_EQ(error_of([&] { (void)read_record(path); }),
            path + ": not a PNG, SVG, PDF or page\n  hint: name a figure that attnviz wrote");
  EXPECT_EQ(
      error_of([&] { (void)read_record(cut); }),
      cut +
          ": it is cut: a chunk ends beyond the file\n  hint: copy the file again, or draw the figure anew");
  EXPECT_TRUE(error_of([&] { (void)read_record(directory / "none.png"); }).find("No such file") !=
              std::string::npos);
}

TEST(Zlib, RefusesWhatIsBrokenOrHoldsTooMuch) {
  const std::string zeros(1'000'000, '\0');
  const std::string packed(deflated(zeros, 6).view());
  EXPECT_LT(packed.size(), 2000U);
  EXPECT_TRUE(inflated(packed, zeros.size()) == zeros);
  EXPECT_EQ(error_of([&] { (void)inflated(packed, zeros.size() - 1); }),
            "more than 999999 bytes when decompressed");
  const std::string broken = "can't be decompressed: its bytes are broken";
  EXPECT_EQ(error_of([&] { (void)inflated("", 9); }), broken);
  EXPECT_EQ(error_of([&] { (void)inflated(packed.substr(0, packed.size() - 1), 1 << 30); }), broken);
}

}  // namespace
}  // namespace attnviz
