// Figures of a few kilobytes whose parts name each other until they are gigabytes: refused, and soon.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "attnviz/error.h"
#include "render/picture.h"
#include "support/support.h"

namespace attnviz {
namespace {

using test::error_of;

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

std::string stream(const std::string& content, const std::string& entries = "") {
  return "<< /Length " + std::to_string(content.size()) + " " + entries + " >>\nstream\n" + content +
         "\nendstream";
}

/// A page whose content and resources are given, and the objects from number 5 on.
std::string pdf(const std::string& content, const std::string& resources,
                const std::vector<std::string>& others) {
  std::vector<std::string> objects = {
      "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [ 3 0 R ] >>",
      "<< /Type /Page /MediaBox [ 0 0 100 100 ] /Contents 4 0 R /Resources " + resources + " >>",
      stream("0 0 100 100 re f\n" + content)};
  objects.insert(objects.end(), others.begin(), others.end());
  std::string file = "%PDF-1.5\n", table;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    table += std::to_string(file.size()) + " 00000 n\n";
    file += std::to_string(i + 1) + " 0 obj\n" + objects[i] + "\nendobj\n";
  }
  const std::string start = std::to_string(file.size());
  return file + "xref\n1 " + std::to_string(objects.size()) + "\n" + table +
         "trailer\n<< /Root 1 0 R >>\nstartxref\n" + start + "\n%%EOF\n";
}

std::string form(const std::string& content, int next) {
  const std::string resources =
      next == 0 ? "" : "/Resources << /XObject << /X " + std::to_string(next) + " 0 R >> >>";
  return stream(content, "/Type /XObject /Subtype /Form " + resources);
}

constexpr const char* kTooMuch = "it makes more of itself than a figure could need";

TEST(PdfPicture, BoundsWhatFormsDraw) {
  const std::string draws = repeated("/X Do\n", 300), resources = "<< /XObject << /X 5 0 R >> >>";
  const std::string bomb =
      pdf(draws, resources,
          {form(draws, 6), form(draws, 7), form(draws, 8), form(repeated("1 1 1 1 re f\n", 300), 0)});
  EXPECT_LT(bomb.size(), 32'000U);
  EXPECT_EQ(error_of([&] { std::ignore = read_pdf_picture(bomb); }), kTooMuch);
  const std::string empty =
      pdf(draws, resources, {form(draws, 6), form(draws, 7), form(draws, 8), form("", 0)});
  EXPECT_EQ(error_of([&] { std::ignore = read_pdf_picture(empty); }), kTooMuch);
  const std::string usual = pdf("/X Do\n/X Do\n", resources, {form("1 1 1 1 re f\n", 0)});
  EXPECT_EQ(read_pdf_picture(usual).items.size(), 2U);
}

TEST(PdfPicture, BoundsWhatFontsAndTextsMake) {
  std::string ranges = "50 beginbfrange\n";
  for (int i = 0; i < 50; ++i) {
    char range[64];
    std::snprintf(range, sizeof range, "<%04X0000> <%04XFFFF> <0041>\n", i, i);
    ranges += range;
  }
  const std::string resources = "<< /Font << /F 5 0 R >> >>", font = "<< /Type /Font /ToUnicode 6 0 R >>";
  EXPECT_EQ(error_of([&] {
              std::ignore = read_pdf_picture(pdf("/F 10 Tf (a) Tj\n", resources, {font, stream(ranges)}));
            }),
            kTooMuch);
  const std::string long_name = "1 beginbfchar\n<01> <" + repeated("0041", 20'000) + ">\nendbfchar\n";
  EXPECT_EQ(error_of([&] {
              const std::string text = "/F 10 Tf <" + repeated("01", 20'000) + "> Tj\n";
              std::ignore = read_pdf_picture(pdf(text, resources, {font, stream(long_name)}));
            }),
            kTooMuch);
  const Figure usual = read_pdf_picture(
      pdf("/F 10 Tf <0101> Tj\n", resources, {font, stream("1 beginbfchar\n<01> <0042>\nendbfchar\n")}));
  EXPECT_EQ(std::get<Text>(usual.items.at(0)).text, "BB");
}

TEST(PdfPicture, BoundsThePixelsOfItsImages) {
  const std::string image = stream("x",
                                   "/Type /XObject /Subtype /Image /Width 20000 /Height 20000 "
                                   "/ColorSpace /DeviceGray /BitsPerComponent 8");
  EXPECT_EQ(error_of([&] {
              std::ignore = read_pdf_picture(
                  pdf("50 0 0 50 0 0 cm\n/X Do\n", "<< /XObject << /X 5 0 R >> >>", {image}));
            }),
            kTooMuch);
}

/// A PNG that says it is so large, as far as its first chunk.
std::string png(std::uint32_t columns, std::uint32_t rows) {
  const auto number = [](std::uint32_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFF);
    return bytes;
  };
  const std::string head = number(columns) + number(rows) + std::string("\x01\0\0\0\0", 5);
  return "\x89PNG\r\n\x1a\n" + number(13) + "IHDR" + head + number(0) + number(0) + "IEND" + number(0);
}

TEST(PngPicture, IsRefusedBeforeRoomIsMadeForTooManyPixels) {
  EXPECT_EQ(error_of([] { std::ignore = read_png_picture(png(20'000, 20'000)); }),
            "too large: 20000 × 20000 pixels, expected at most 134217728");
  EXPECT_EQ(error_of([] { std::ignore = read_png_picture(png(0xFFFFFFFF, 0xFFFFFFFF)); }),
            "too large: 4294967295 × 4294967295 pixels, expected at most 134217728");
  EXPECT_TRUE(
      error_of([] { std::ignore = read_png_picture(png(10, 10)); }).starts_with("its pixels can't be read"));
}

}  // namespace
}  // namespace attnviz
