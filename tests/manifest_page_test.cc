#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "attnviz/file.h"
#include "attnviz/manifest.h"
#include "attnviz/text.h"
#include "support/runs.h"
#include "support/support.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::error_of;
using test::TemporaryDirectory;

const std::string kOpening = "<script id=\"data\" type=\"application/json\">";
const std::string kClosing = "</script>";

/// What the page's own script finds in it: the data element's text up to what ends it.
std::string data_of(const std::string& page) {
  const std::size_t begin = page.find(kOpening) + kOpening.size();
  return page.substr(begin, page.find(kClosing, begin) - begin);
}

/// A page of a run over these texts, each of them the id, pair and error as well.
std::string page_of(const TemporaryDirectory& directory, const std::vector<std::string>& texts) {
  {
    RunDirectory run(directory / "out", {{"model", "<b>minilm & co</b>"}});
    std::vector<Finished> items;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      ManifestEntry entry{.index = i, .line = i + 1, .id = texts[i], .text = texts[i], .pair = texts[i]};
      entry.metrics[valid_utf8(texts[i], InvalidUtf8::replace, "")] = 0.5;
      entry.error = texts[i] + "!";
      items.push_back({entry, {}});
    }
    run.add(items);
    run.finish(texts.size());
  }
  write_index_page(directory / "out");
  return read_file(directory / "out/index.html");
}

TEST(IndexPage, HoldsEveryTextAsData) {
  std::vector<std::string> texts = {"plain",
                                    "</script><img src=x onerror=alert(1)>",
                                    "<!--<script>",
                                    "]]>",
                                    "\"'`\\ ${x} @data@",
                                    "&lt;&#60;",
                                    "line\nend\r\t",
                                    "\u2028\u2029\u202E\uFEFF",
                                    std::string("zero\0byte", 9),
                                    "\x1B[31m",
                                    "日本語 🙂",
                                    ""};
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    std::string text;
    for (std::size_t length = random() % 30; length > 0; --length) {
      static constexpr std::u32string_view kLetters = U"</>-!&;\"'\\sScrRiIpPtT\u2028\n\u00E9\U0001F642";
      append_utf8(text, kLetters[random() % kLetters.size()]);
    }
    texts.push_back(text);
  }
  const TemporaryDirectory directory;
  const std::string page = page_of(directory, texts);
  const std::string data = data_of(page);
  EXPECT_EQ(data.find_first_of("<>&"), std::string::npos);
  const json read = json::parse(data);
  EXPECT_EQ(read["settings"]["model"], "<b>minilm & co</b>");
  ASSERT_EQ(read["items"].size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const json& item = read["items"][i];
    EXPECT_EQ(item["index"], i);
    EXPECT_EQ(item["text"], texts[i]);
    EXPECT_EQ(item["id"], texts[i]);
    EXPECT_EQ(item["pair"], texts[i]);
    EXPECT_EQ(item["error"], texts[i] + "!");
    EXPECT_EQ(item["metrics"], (json{{texts[i], 0.5}}));
  }
}

TEST(IndexPage, IsTheSamePageAroundAnyData) {
  const TemporaryDirectory one, other;
  std::string first = page_of(one, {"</script><script>alert(1)</script>"}), second = page_of(other, {});
  for (std::string* page : {&first, &second}) {
    page->erase(page->find(kOpening) + kOpening.size(), data_of(*page).size());
  }
  EXPECT_EQ(first, second);
}

TEST(IndexPage, NeedsNothingFromElsewhere) {
  const TemporaryDirectory directory;
  const std::string page = page_of(directory, {"x"});
  for (const char* word : {"http://", "https://", "//cdn", "@import", "url(", "fetch(", "XMLHttpRequest",
                           "innerHTML", "document.write", "eval("}) {
    EXPECT_EQ(page.find(word), std::string::npos) << word;
  }
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
}

TEST(IndexPage, IsWrittenAnewAndLeavesTheRunAsItIs) {
  const TemporaryDirectory directory;
  const std::string page = page_of(directory, {"x", "y"});
  test::write(directory / "out/.manifest-page-part-0.part", "left by a killed one");
  test::write(directory / "out/index.html", page + "of another run");
  write_index_page(directory / "out");
  EXPECT_EQ(read_file(directory / "out/index.html"), page);
  EXPECT_EQ(test::names_in(directory / "out"),
            (std::vector<std::string>{"index.html", "manifest.jsonl", "run.json"}));
  test::write(directory / "out/index.html", "somebody's");
  EXPECT_THROW(write_index_page(directory / "out"), Error);
  EXPECT_EQ(read_file(directory / "out/index.html"), "somebody's");
}

TEST(IndexPage, NamesWhatCantBeRead) {
  const TemporaryDirectory directory;
  EXPECT_TRUE(error_of([&] {
                write_index_page(directory.path());
              }).starts_with((directory / "run.json").string() + ": can't be read"));
  std::ignore = page_of(directory, {"x"});
  test::write(directory / "out/manifest.jsonl", "{}\n");
  EXPECT_EQ(error_of([&] { write_index_page(directory / "out"); }),
            (directory / "out/manifest.jsonl").string() + ":1: index is missing");
}

}  // namespace
}  // namespace attnviz
