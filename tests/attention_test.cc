#include "attnviz/attention.h"

#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "attnviz/file.h"
#include "support/support.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::error_of;
using test::TemporaryDirectory;

/// Every row sums to 1 exactly: powers of two, the rest in the last column that is not masked.
Attention small_attention(bool causal = false) {
  Attention attention{.layers = {2, 6},
                      .heads = {0, 11, 3},
                      .queries = 4,
                      .keys = 4,
                      .causal = causal,
                      .weights = {},
                      .head_size = 0,
                      .query = {},
                      .key = {}};
  for (std::size_t matrix = 0; matrix < 6; ++matrix) {
    for (std::size_t row = 0; row < 4; ++row) {
      const std::size_t last = causal ? row : 3;
      float rest = 1;
      for (std::size_t column = 0; column < 4; ++column) {
        const float weight = column > last    ? 0
                             : column == last ? rest
                                              : rest / static_cast<float>(2 << (matrix % 3));
        rest -= weight;
        attention.weights.push_back(weight);
      }
    }
  }
  return attention;
}

Attention with_query_key(Attention attention, std::size_t head_size) {
  attention.head_size = head_size;
  attention.query.resize(attention.layers.size() * attention.heads.size() * attention.queries * head_size);
  attention.key.resize(attention.layers.size() * attention.heads.size() * attention.keys * head_size);
  std::iota(attention.query.begin(), attention.query.end(), -3.5F);
  std::iota(attention.key.begin(), attention.key.end(), 1e-7F);
  return attention;
}

using Writer = void (*)(const Attention&, const Provenance&, const Sink&);

std::string written(Writer write, const Attention& attention, const Provenance& provenance) {
  std::string bytes;
  write(attention, provenance, [&bytes](std::string_view piece) { bytes += piece; });
  return bytes;
}

std::string safetensors(std::string_view header, std::string_view data = {}) {
  const std::uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes.append(header).append(data);
}

TEST(Attention, IsFoundByNumberNotByIndex) {
  const Attention attention = small_attention();
  const MatrixView matrix = attention.at(6, 11);
  EXPECT_EQ(matrix.rows(), 4U);
  EXPECT_EQ(matrix.columns, 4U);
  EXPECT_EQ(matrix.values.data(), attention.weights.data() + (1 * 3 + 1) * 16);
  EXPECT_EQ(matrix(2, 1), attention.weights[64 + 2 * 4 + 1]);
  EXPECT_EQ(error_of([&] { std::ignore = attention.at(1, 0); }),
            "layer 1: not taken from the model, expected one of 2, 6");
  EXPECT_EQ(error_of([&] { std::ignore = attention.at(2, 1); }),
            "head 1: not taken from the model, expected one of 0, 11, 3");
}

TEST(Attention, MeansOverTheHeadsOfOneLayer) {
  const Attention attention = small_attention();
  const std::vector<float> mean = head_mean(attention, 6);
  ASSERT_EQ(mean.size(), 16U);
  // A half, a quarter and an eighth.
  EXPECT_FLOAT_EQ(mean[0], 0.875F / 3);
  for (std::size_t row = 0; row < 4; ++row) {
    EXPECT_FLOAT_EQ(std::accumulate(mean.begin() + row * 4, mean.begin() + row * 4 + 4, 0.0F), 1);
  }
  EXPECT_EQ(error_of([&] { std::ignore = head_mean(attention, 3); }),
            "layer 3: not taken from the model, expected one of 2, 6");
}

TEST(Validate, AcceptsWhatAttentionPromises) {
  test::expect_valid(small_attention());
  test::expect_valid(small_attention(true));
  test::expect_valid(with_query_key(small_attention(), 8));
  test::expect_valid({});
}

TEST(Validate, NamesWhatIsBroken) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  struct Case {
    void (*spoil)(Attention&);
    std::string_view expected;
  };
  for (const Case& c : {
           Case{[](Attention& a) { a.weights.pop_back(); },
                "attention: wrong number of values in weights, expected 96, got 95"},
           Case{[](Attention& a) { a.query.resize(3); },
                "attention: wrong number of values in query, expected 0, got 3"},
           Case{[](Attention& a) { a.head_size = 2; },
                "attention: wrong number of values in query, expected 48, got 0"},
           Case{[](Attention& a) { a.queries = a.keys = std::size_t{1} << 62; },
                "attention: its shape is too large for weights"},
           Case{[](Attention& a) { a.weights[64 + 9] = kNan; },
                "layer 6 head 11 row 2: column 1: expected a weight in 0 to 1, got nan"},
           Case{[](Attention& a) { a.weights[16] = -0.25F; },
                "layer 2 head 11 row 0: column 0: expected a weight in 0 to 1, got -0.25"},
           Case{[](Attention& a) { a.weights[95] = 1.5F; },
                "layer 6 head 3 row 3: column 3: expected a weight in 0 to 1, got 1.5"},
           Case{[](Attention& a) { a.weights[4] += 0.25F; },
                "layer 2 head 0 row 1: expected a sum of 1, got 1.25"},
           Case{[](Attention& a) { a.causal = true; },
                "layer 2 head 0 row 0: column 1: above the diagonal of a causal model, expected 0, got 0.25"},
           Case{[](Attention& a) {
                  a = {.layers = {1},
                       .heads = {0},
                       .queries = 1,
                       .keys = 2,
                       .causal = true,
                       .weights = {1, 0},
                       .head_size = 0,
                       .query = {},
                       .key = {}};
                },
                "attention: causal, expected as many keys as queries, got 1 queries and 2 keys"},
       }) {
    Attention attention = small_attention();
    c.spoil(attention);
    EXPECT_EQ(error_of([&] { validate(attention); }), c.expected);
  }
}

TEST(Validate, AllowsTheToleranceAndNoMore) {
  Attention attention = small_attention();
  attention.weights[3] += 0.01F;
  EXPECT_NO_THROW(validate(attention, 0.02F));
  EXPECT_THROW(validate(attention, 0.005F), Error);
}

TEST(Validate, TakesNormsForNoDistribution) {
  Attention norms = small_attention();
  norms.kind = WeightKind::norm;
  norms.weights[4] = 7.5F;
  test::expect_valid(norms);
  norms.weights[4] = -0.25F;
  EXPECT_EQ(error_of([&] { validate(norms); }),
            "layer 2 head 0 row 1: column 0: expected a finite norm, 0 or more, got -0.25");
}

TEST(WriteSafetensors, IsReadBackExactly) {
  const TemporaryDirectory directory;
  const Attention attention = with_query_key(small_attention(true), 5);
  const Provenance provenance = {{"text", "\"Grüße\"\n\\ \x01 😀"}, {"", "empty name"}, {"model", ""}};
  test::write(directory / "a.safetensors", written(&write_safetensors, attention, provenance));

  const Safetensors file(directory / "a.safetensors");
  Provenance expected = provenance;
  expected.insert({{"layers", "[2,6]"}, {"heads", "[0,11,3]"}, {"causal", "true"}});
  EXPECT_EQ(file.metadata(), expected);
  EXPECT_EQ(file.files(), std::vector<fs::path>{directory / "a.safetensors"});
  ASSERT_EQ(file.tensors().size(), 3U);
  const auto expect_tensor = [&](std::string_view name, const std::vector<float>& values,
                                 std::int64_t width) {
    const TensorView& tensor = file.tensors().find(name)->second;
    EXPECT_EQ(tensor.type, TensorView::Type::f32);
    EXPECT_EQ(tensor.shape, (std::vector<std::int64_t>{2, 3, 4, width}));
    ASSERT_EQ(tensor.bytes.size(), values.size() * sizeof(float));
    EXPECT_EQ(std::memcmp(tensor.bytes.data(), values.data(), tensor.bytes.size()), 0) << name;
  };
  expect_tensor("attention", attention.weights, 4);
  expect_tensor("query", attention.query, 5);
  expect_tensor("key", attention.key, 5);
}

TEST(WriteSafetensors, StartsItsDataOnABoundary) {
  for (int length = 0; length < 9; ++length) {
    const Attention attention = small_attention();
    const std::string bytes = written(&write_safetensors, attention,
                                      {{"text", std::string(static_cast<std::size_t>(length), 'x')}});
    EXPECT_EQ((bytes.size() - attention.weights.size() * sizeof(float)) % 8, 0U) << length;
  }
}

TEST(WriteJson, IsValidAndReadsBackExactlyInAnyLocale) {
  Attention attention = with_query_key(small_attention(), 2);
  attention.key = std::vector<float>(attention.key.size(), std::nextafter(0.1F, 1.0F));
  attention.query.assign(attention.query.size(), std::numeric_limits<float>::denorm_min());
  attention.query[1] = -std::numeric_limits<float>::max();
  const char* const before = std::setlocale(LC_ALL, "de_DE.UTF-8");
  const std::string text =
      written(&write_json, attention, {{"text", "</script>\x7F\xE2\x80\xA8 \xFF \"q\""}});
  if (before) std::setlocale(LC_ALL, "C");

  const json document = json::parse(text);
  EXPECT_EQ(document["provenance"]["text"], "</script>\x7F\xE2\x80\xA8 \xEF\xBF\xBD \"q\"");
  EXPECT_EQ(document["layers"], json({2, 6}));
  EXPECT_EQ(document["heads"], json({0, 11, 3}));
  EXPECT_EQ(document["causal"], false);
  for (const auto& [name, values] :
       {std::pair("attention", attention.weights), {"query", attention.query}, {"key", attention.key}}) {
    const json flat = document[name].flatten();
    ASSERT_EQ(flat.size(), values.size());
    const std::size_t width = document[name][0][0][0].size();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t row = i / width;
      const float read = document[name][row / 12][row / 4 % 3][row % 4][i % width].get<float>();
      EXPECT_EQ(read, values[i]) << name << " " << i;
    }
  }
}

TEST(WriteJson, HasNullForWhatJsonCannotHold) {
  Attention attention = with_query_key(small_attention(), 2);
  attention.key[1] = std::numeric_limits<float>::infinity();
  attention.weights[0] = std::numeric_limits<float>::quiet_NaN();
  const json document = json::parse(written(&write_json, attention, {}));
  EXPECT_TRUE(document["key"][0][0][0][1].is_null());
  EXPECT_TRUE(document["attention"][0][0][0][0].is_null());
  EXPECT_TRUE(document["attention"][0][0][0][1].is_number());
}

TEST(Writers, RefuseWhatDoesNotFitItsShape) {
  Attention attention = small_attention();
  attention.weights.pop_back();
  for (const Writer writer : {&write_safetensors, &write_npz, &write_json}) {
    EXPECT_EQ(error_of([&] { written(writer, attention, {}); }),
              "attention: wrong number of values, expected 96, got 95");
  }
}

TEST(WriteNpz, GivesTheSameBytesEveryTime) {
  const Attention attention = with_query_key(small_attention(), 2);
  EXPECT_EQ(written(&write_npz, attention, {{"text", "x"}}), written(&write_npz, attention, {{"text", "x"}}));
}

TEST(Crc32, AgreesWithItsCheckValueHoweverItIsCut) {
  const std::string text = "123456789 and some more bytes, \xFF\x80, than eight at a time";
  EXPECT_EQ(crc32("123456789"), 0xCBF43926U);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(crc32(text.substr(cut), crc32(text.substr(0, cut))), crc32(text)) << cut;
  }
}

TEST(ZipWriter, WritesTheSameWhereTheChecksumIsKnown) {
  std::string computed, known;
  const Sink to_computed = [&](std::string_view bytes) { computed += bytes; };
  const Sink to_known = [&](std::string_view bytes) { known += bytes; };
  ZipWriter first(to_computed), second(to_known);
  first.add("a", {"some ", "bytes"});
  second.add_known("a", "some bytes", crc32("some bytes"));
  first.finish();
  second.finish();
  EXPECT_EQ(known, computed);
}

TEST(Safetensors, ReadsEveryTypeAndShape) {
  const TemporaryDirectory directory;
  using Type = TensorView::Type;
  struct Case {
    std::string_view type;
    Type expected;
    std::size_t bytes;
  };
  for (const Case& c : {Case{"F64", Type::f64, 8}, Case{"F32", Type::f32, 4}, Case{"F16", Type::f16, 2},
                        Case{"BF16", Type::bf16, 2}, Case{"I64", Type::i64, 8}, Case{"I32", Type::i32, 4},
                        Case{"I16", Type::i16, 2}, Case{"I8", Type::i8, 1}, Case{"U8", Type::u8, 1},
                        Case{"BOOL", Type::boolean, 1}}) {
    const std::string type(c.type);
    const std::string end = std::to_string(c.bytes * 6);
    const std::string all = std::to_string(c.bytes * 7);
    test::write(directory / "x.safetensors",
                safetensors(R"({"m":{"dtype":")" + type + R"(","shape":[2,3],"data_offsets":[0,)" + end +
                                R"(]},"none":{"dtype":")" + type + R"(","shape":[0,7],"data_offsets":[)" +
                                end + "," + end + R"(]},"one":{"dtype":")" + type +
                                R"(","shape":[],"data_offsets":[)" + end + "," + all + "]}}  \n",
                            std::string(c.bytes * 7, '\1')));
    const Safetensors file(directory / "x.safetensors");
    ASSERT_EQ(file.tensors().size(), 3U) << type;
    EXPECT_EQ(file.tensors().at("m").type, c.expected);
    EXPECT_EQ(file.tensors().at("m").shape, (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(file.tensors().at("m").bytes.size(), c.bytes * 6);
    EXPECT_EQ(file.tensors().at("none").shape, (std::vector<std::int64_t>{0, 7}));
    EXPECT_TRUE(file.tensors().at("none").bytes.empty());
    EXPECT_TRUE(file.tensors().at("one").shape.empty());
    EXPECT_EQ(file.tensors().at("one").bytes.size(), c.bytes);
    EXPECT_TRUE(file.metadata().empty());
  }
}

struct HostileFile {
  std::string bytes;
  std::string fault;
};

void expect_refused(const std::vector<HostileFile>& files) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "x.safetensors";
  for (const HostileFile& file : files) {
    test::write(path, file.bytes);
    EXPECT_EQ(error_of([&] { const Safetensors opened(path); }),
              path.string() + ": not a usable safetensors file: " + file.fault +
                  "\n  hint: download or save it again");
  }
}

TEST(Safetensors, RefusesAHeaderThatIsNone) {
  std::string huge(16, '{');
  std::memset(huge.data(), 0xFF, 8);
  std::string past_limit("\x01\xE1\xF5\x05\0\0\0\0{", 9);
  expect_refused({
      {"", "expected at least 8 bytes, got 0"},
      {"{}", "expected at least 8 bytes, got 2"},
      {huge, "expected a header of at most 100000000 bytes, got 18446744073709551615"},
      {past_limit, "expected a header of at most 100000000 bytes, got 100000001"},
      {std::string("\x09\0\0\0\0\0\0\0{}", 10), "cut short: its header has 9 bytes, the file 10"},
      {safetensors(""), "its header does not begin with '{'"},
      {safetensors(" {}"), "its header does not begin with '{'"},
      {safetensors("[]"), "its header does not begin with '{'"},
      {safetensors("{"), "its header is not JSON at byte 2"},
      {safetensors("{}{}"), "its header is not JSON at byte 3"},
      {safetensors(std::string("{}\0", 3)), "its header is not JSON at byte 3"},
      {safetensors("{\"a\xFF\":1}"), "its header is not JSON at byte 4"},
      {safetensors("{\"a\":" + std::string(1'000'000, '[')), "\"a\": unexpected a list"},
      {safetensors(R"({"a":{"b":)"), "tensor \"a\": \"b\": unknown, expected dtype, shape and data_offsets"},
      {safetensors(R"({"a":{"shape":[[)"), "tensor \"a\": \"shape\": unexpected a list"},
      {safetensors(R"({"__metadata__":{"a":{)"), "\"__metadata__\": \"a\": unexpected an object"},
      {safetensors(R"({"__metadata__":{"a":1}})"), "\"__metadata__\": \"a\": unexpected 1"},
      {safetensors(R"({"__metadata__":{"a":"1","a":"2"}})"), "\"__metadata__\": \"a\": there twice"},
      {safetensors(R"({"__metadata__":null})"), "\"__metadata__\": unexpected null"},
  });
}

TEST(Safetensors, RefusesATensorOutOfForm) {
  const auto tensor = [](const std::string& fields, std::size_t bytes = 4) {
    return safetensors(R"({"a":{)" + fields + "}}", std::string(bytes, '\0'));
  };
  expect_refused({
      {tensor(""), "tensor \"a\": has no dtype"},
      {tensor(R"("dtype":"F32","data_offsets":[0,4])"), "tensor \"a\": has no shape"},
      {tensor(R"("dtype":"F32","shape":[1])"), "tensor \"a\": has no data_offsets"},
      {tensor(R"("dtype":"F32","dtype":"F32")"), "tensor \"a\": \"dtype\": there twice"},
      {tensor(R"("dtype":4)"), "tensor \"a\": \"dtype\": unexpected 4"},
      {tensor(R"("shape":"4")"), "tensor \"a\": \"shape\": unexpected a string"},
      {tensor(R"("shape":[-1])"), "tensor \"a\": \"shape\": unexpected -1"},
      {tensor(R"("shape":[1.5])"), "tensor \"a\": \"shape\": unexpected 1.5"},
      {tensor(R"("shape":[1e2])"), "tensor \"a\": \"shape\": unexpected 1e2"},
      {tensor(R"("shape":[true])"), "tensor \"a\": \"shape\": unexpected true"},
      {tensor(R"("shape":[null])"), "tensor \"a\": \"shape\": unexpected null"},
      {tensor(R"("shape":[9223372036854775808])"), "tensor \"a\": \"shape\": unexpected 9223372036854775808"},
      {tensor(R"("data_offsets":[99999999999999999999])"),
       "tensor \"a\": \"data_offsets\": unexpected 99999999999999999999"},
      {tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0])"),
       "tensor \"a\": expected two data_offsets, got 1"},
      {tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4,8])"),
       "tensor \"a\": expected two data_offsets, got 3"},
      {safetensors(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{}})"), "\"a\": there twice"},
      {safetensors("{\"" + std::string(200, 'n') + "\":1}"),
       "\"" + std::string(119, 'n') + "…\": unexpected 1"},
  });
}

TEST(Safetensors, RefusesOffsetsThatDoNotFit) {
  const auto two = [](const std::string& first, const std::string& second, std::size_t bytes) {
    return safetensors(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)" + first +
                           R"(},"b":{"dtype":"I8","shape":[4],"data_offsets":)" + second + "}}",
                       std::string(bytes, '\0'));
  };
  const auto shaped = [](const std::string& shape) {
    return safetensors(R"({"a":{"dtype":"F64","shape":)" + shape + R"(,"data_offsets":[0,0]}})");
  };
  expect_refused({
      {two("[0,8]", "[8,12]", 11), "cut short: its tensors need 12 bytes, it has 11"},
      {two("[0,8]", "[8,12]", 13), "its tensors end at 12 of 13 bytes of data"},
      {two("[0,8]", "[4,8]", 8), "tensor \"b\": overlaps another, expected it at 8, got 4"},
      {two("[0,8]", "[9,13]", 13), "tensor \"b\": leaves a hole before it, expected it at 8, got 9"},
      {two("[1,9]", "[9,13]", 13), "tensor \"a\": leaves a hole before it, expected it at 0, got 1"},
      {two("[0,8]", "[0,4]", 8), "tensor \"a\": overlaps another, expected it at 4, got 0"},
      {two("[0,7]", "[7,11]", 11), "tensor \"a\": F32 [2] has 8 bytes, its offsets are 0 to 7"},
      {two("[8,0]", "[8,12]", 12), "tensor \"a\": F32 [2] has 8 bytes, its offsets are 8 to 0"},
      {two("[18446744073709551608,0]", "[0,4]", 4),
       "tensor \"a\": F32 [2] has 8 bytes, its offsets are 18446744073709551608 to 0"},
      {shaped("[4611686018427387904,2]"),
       "tensor \"a\": its shape [4611686018427387904, 2] has more elements than fit into memory"},
      {shaped("[9223372036854775807,9223372036854775807,0]"),
       "tensor \"a\": its shape [9223372036854775807, 9223372036854775807, 0] has more elements than fit "
       "into "
       "memory"},
      {safetensors("{}", "x"), "its tensors end at 0 of 1 bytes of data"},
  });
}

TEST(Safetensors, RefusesUnknownTypesByName) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "x.safetensors";
  for (const std::string type : {"F8_E4M3", "U32", "f32", "", "C64"}) {
    test::write(path, safetensors(R"({"w":{"dtype":")" + type + R"(","shape":[0],"data_offsets":[0,0]}})"));
    EXPECT_EQ(error_of([&] { const Safetensors opened(path); }),
              path.string() +
                  ": tensor \"w\": unknown type, expected one of F64, F32, F16, BF16, I64, I32, I16, I8, U8, "
                  "BOOL, got \"" +
                  type + "\"\n  hint: save it as F32, F16 or BF16");
  }
}

std::string one_tensor(const std::string& name) {
  return safetensors("{\"" + name + R"(":{"dtype":"I8","shape":[3],"data_offsets":[0,3]}})", "abc");
}

TEST(Safetensors, ReadsShardsAsOne) {
  const TemporaryDirectory directory;
  test::write(directory / "1.safetensors", one_tensor("first"));
  test::write(directory / "2.safetensors", one_tensor("second"));
  const fs::path index = directory / "model.safetensors.index.json";
  test::write(index, R"({"metadata":{"total_size":6,"deep":[[[[[1]]]]]},
                         "weight_map":{"first":"1.safetensors","second":"2.safetensors"}})");
  Safetensors file(index);
  EXPECT_EQ(file.files(), (std::vector<fs::path>{directory / "1.safetensors", directory / "2.safetensors"}));
  const Safetensors moved = std::move(file);
  ASSERT_EQ(moved.tensors().size(), 2U);
  EXPECT_EQ(std::memcmp(moved.tensors().at("second").bytes.data(), "abc", 3), 0);
}

TEST(Safetensors, RefusesABadIndex) {
  const TemporaryDirectory directory;
  const fs::path index = directory / "model.safetensors.index.json";
  test::write(directory / "1.safetensors", one_tensor("first"));
  test::write(directory / "2.safetensors", one_tensor("first"));
  const std::string place = directory.path().string() + "/";
  const std::string hint = "\n  hint: download or save it again";
  const auto outside = [&](const std::string& shard) {
    return index.string() + ": weight_map: tensor \"a\": expected the name of a file beside it, got " +
           shard + hint;
  };
  struct Case {
    std::string text, expected;
  };
  for (const Case& c : {
           Case{"", index.string() + ": not JSON" + hint},
           Case{"[]", index.string() + ": has no weight_map" + hint},
           Case{"{}", index.string() + ": has no weight_map" + hint},
           Case{R"({"weight_map":[]})", index.string() + ": has no weight_map" + hint},
           Case{R"({"weight_map":)" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}",
                index.string() + ": has no weight_map" + hint},
           Case{R"({"weight_map":{"a":"../1.safetensors"}})", outside("\"../1.safetensors\"")},
           Case{R"({"weight_map":{"a":"/etc/passwd"}})", outside("\"/etc/passwd\"")},
           Case{R"({"weight_map":{"a":".."}})", outside("\"..\"")},
           Case{R"({"weight_map":{"a":""}})", outside("\"\"")},
           Case{R"({"weight_map":{"a":"1\u0000"}})", outside("\"1\\u0000\"")},
           Case{R"({"weight_map":{"a":7}})", outside("a number")},
           Case{R"({"weight_map":{"a":"3.safetensors"}})",
                place + "3.safetensors: missing, though model.safetensors.index.json lists it" + hint},
           Case{R"({"weight_map":{"a":"1.safetensors"}})",
                index.string() + ": tensor \"a\": not in 1.safetensors" + hint},
           Case{R"({"weight_map":{"first":"1.safetensors","a":"2.safetensors"}})",
                place + "2.safetensors: tensor \"first\": is in another shard too" + hint},
       }) {
    test::write(index, c.text);
    EXPECT_EQ(error_of([&] { const Safetensors opened(index); }), c.expected);
  }
}

}  // namespace
}  // namespace attnviz
