// What check finds in views: in their numbers, in what is in sight, and in their pictures.
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "attnviz/check.h"
#include "attnviz/render.h"
#include "support/check_samples.h"
#include "support/support.h"

namespace attnviz::test {
namespace {

using Status = CheckResult::Status;

const std::vector<TokenLabel> kTokens = {{"", "[CLS]", true}, {"", "the", false},   {"", "bank", false},
                                         {"", "can", false},  {"##", "ing", false}, {"", "[SEP]", true}};

/// A view of two layers and three heads, with its numbers.
struct SampleView {
  std::vector<float> weights, query, key;
  View view;

  explicit SampleView(View::Kind kind, unsigned seed = 1) {
    constexpr std::size_t kHeadSize = 5, kMatrices = 6;
    std::mt19937 random(seed);
    const std::size_t n = kTokens.size();
    for (std::size_t row = 0; row < kMatrices * n; ++row) {
      std::vector<float> one(n);
      float sum = 0;
      for (float& weight : one) sum += weight = static_cast<float>(random() % 1000 + 1);
      for (const float weight : one) weights.push_back(weight / sum);
    }
    for (std::size_t i = 0; i < kMatrices * n * kHeadSize; ++i) {
      query.push_back(static_cast<float>(random() % 2000) / 500 - 2);
      key.push_back(static_cast<float>(random() % 2000) / 500 - 2);
    }
    view = {.kind = kind,
            .layers = {2, 5},
            .heads = {0, 3, 7},
            .tokens = kTokens,
            .second_from = 3,
            .head_size = kHeadSize,
            .title = "minilm",
            .subtitle = "A sentence.",
            .layer = 5,
            .shown_heads = {3}};
    if (kind == View::Kind::neuron) view.token = 2;
  }

  [[nodiscard]] Record record() const {
    View whole = view;
    whole.weights = weights;
    whole.query = query;
    whole.key = key;
    RecordedText text{.model = "minilm",
                      .sha256 = {},
                      .backend = "checkpoint",
                      .text = "A sentence.",
                      .tokens = {},
                      .ids = {}};
    for (const TokenLabel& label : kTokens) {
      text.tokens.push_back(label.whole());
      text.ids.push_back(static_cast<std::int64_t>(text.ids.size()));
    }
    return {.program = "attnviz 0.1.0",
            .arguments = {"view", "head"},
            .texts = {text},
            .look = {},
            .drawn = whole};
  }

  /// [layer, head, row, column] of the indices.
  float& weight(std::size_t layer, std::size_t head, std::size_t row, std::size_t column) {
    return weights[((layer * 3 + head) * kTokens.size() + row) * kTokens.size() + column];
  }
};

constexpr View::Kind kKinds[] = {View::Kind::head, View::Kind::model, View::Kind::neuron};
constexpr const char* kExtensions[] = {".svg", ".pdf", ".png"};

class CheckViews : public testing::Test {
 protected:
  [[nodiscard]] CheckResult compared(const SampleView& before, const SampleView& after,
                                     const std::string& extension, const Alter& alter = {}) const {
    const std::string baseline = directory_.path() / ("a" + extension),
                      figure = directory_.path() / ("b" + extension);
    write_sample(before.record(), baseline);
    write_sample(after.record(), figure, alter);
    return compare_files(baseline, figure, {});
  }

  static std::string said(const CheckResult& result) {
    std::string text;
    for (const CheckFinding& finding : result.findings) {
      text += finding.message + "\n";
      for (const std::string& detail : finding.details) text += detail + "\n";
    }
    return text;
  }

  TemporaryDirectory directory_;
};

TEST_F(CheckViews, PassesWhatIsTheSameAndWhatMovedWithinTheTolerance) {
  for (const View::Kind kind : kKinds) {
    for (const char* const extension : kExtensions) {
      const SampleView view(kind);
      SampleView near = view;
      for (float& weight : near.weights) weight += weight > 0.1F ? 2e-6F : -2e-6F;
      for (const SampleView& other : {view, near}) {
        const CheckResult result = compared(view, other, extension);
        EXPECT_EQ(result.status, Status::same) << extension << static_cast<int>(kind) << said(result);
      }
    }
  }
}

TEST_F(CheckViews, NamesTheNumberThatMoved) {
  SampleView before(View::Kind::neuron), after = before;
  after.weight(1, 1, 2, 3) -= 0.02F;
  after.weight(1, 1, 2, 4) += 0.02F;
  const CheckResult weights = compared(before, after, ".svg");
  EXPECT_EQ(weights.findings.front().step, CheckStep::numbers);
  EXPECT_NE(said(weights).find("layer 5 head 3 \"bank\"(2) → \"can\"(3): "), std::string::npos)
      << said(weights);

  after = before;
  after.key[((1 * 3 + 2) * kTokens.size() + 4) * 5 + 1] += 0.01F;
  const CheckResult vectors = compared(before, after, ".svg");
  EXPECT_EQ(vectors.findings.front().step, CheckStep::numbers);
  EXPECT_NE(said(vectors).find("layer 5 head 7 key of \"##ing\"(4)[1]: "), std::string::npos)
      << said(vectors);
}

TEST_F(CheckViews, NamesTheNumberThatMovedInAnotherPartOfAPage) {
  const SampleView cross(View::Kind::head);
  SampleView encoder(View::Kind::head, 2);
  const auto page = [&cross](const SampleView& other) {
    Record record = cross.record(), beside = other.record();
    View &first = std::get<View>(record.drawn), &second = std::get<View>(beside.drawn);
    first.part = AttentionPart::cross;
    second.part = AttentionPart::encoder;
    second.title = "minilm · Encoder";
    first.others = {second};
    return record;
  };
  const auto checked = [&](const SampleView& other) {
    const Record before = page(encoder), after = page(other);
    return said(compare({before}, {after}, {}));
  };
  EXPECT_EQ(checked(encoder), "");
  SampleView moved = encoder;
  moved.weight(1, 1, 2, 3) -= 0.02F;
  moved.weight(1, 1, 2, 4) += 0.02F;
  EXPECT_NE(checked(moved).find("Encoder layer 5 head 3 \"bank\"(2) → \"can\"(3): "), std::string::npos);
  moved = encoder;
  moved.key[((1 * 3 + 2) * kTokens.size() + 4) * 5 + 1] += 0.01F;
  EXPECT_NE(checked(moved).find("Encoder layer 5 head 7 key of \"##ing\"(4)[1]: "), std::string::npos);
  moved = encoder;
  moved.view.layer = 2;
  EXPECT_NE(checked(moved).find("layer: "), std::string::npos);
}

TEST_F(CheckViews, SaysWhatElseIsInSight) {
  struct Case {
    std::function<void(View&)> change;
    std::string name;
  };
  for (const Case& c : {Case{[](View& view) { view.layer = 2; }, "layer: "},
                        Case{[](View& view) {
                               view.shown_heads = {0, 3};
                             },
                             "heads: "},
                        Case{[](View& view) { view.token = 1; }, "token: "},
                        Case{[](View& view) { view.threshold = 0.1; }, "threshold: "},
                        Case{[](View& view) { view.filter = View::Filter::a_to_b; }, "filter: "},
                        Case{[](View& view) { view.kind = View::Kind::model; }, "view: "}}) {
    const SampleView before(View::Kind::head);
    SampleView after = before;
    c.change(after.view);
    const CheckResult result = compared(before, after, ".svg");
    EXPECT_EQ(result.status, Status::different) << c.name;
    EXPECT_EQ(result.findings.front().step, CheckStep::request) << c.name;
    EXPECT_NE(said(result).find(c.name), std::string::npos) << said(result);
  }
}

/// The line whose colour stands out most from white: the strongest.
Line& strongest(Figure& figure) {
  Line* found = nullptr;
  const auto darkness = [](const Color& c) { return 765 - c.red - c.green - c.blue; };
  for (Item& item : figure.items) {
    auto* const line = std::get_if<Line>(&item);
    if (line && (!found || darkness(line->color) > darkness(found->color))) found = line;
  }
  return *found;
}

TEST_F(CheckViews, NoticesAPictureThatIsNotItsNumbers) {
  struct Case {
    std::string name;
    Alter alter;
  };
  const std::vector<Case> cases = {
      {"a line of another colour",
       [](Figure& figure) {
         strongest(figure).color = {250, 120, 10};
       }},
      {"a line that goes elsewhere", [](Figure& figure) { strongest(figure).y2 += 25; }},
      {"a line left out", [](Figure& figure) {
         for (auto item = figure.items.begin(); item != figure.items.end(); ++item) {
           if (std::get_if<Line>(&*item) == &strongest(figure)) {
             figure.items.erase(item);
             return;
           }
         }
       }}};
  for (const View::Kind kind : {View::Kind::head, View::Kind::model}) {
    for (const char* const extension : kExtensions) {
      for (const auto& [name, alter] : cases) {
        const SampleView view(kind);
        const CheckResult result = compared(view, view, extension, alter);
        ASSERT_EQ(result.status, Status::different) << name << extension << static_cast<int>(kind);
        EXPECT_EQ(result.findings.front().step, CheckStep::picture) << name << extension;
      }
    }
  }
  const Alter recolored = [](Figure& figure) {
    for (Item& item : figure.items) {
      auto* const band = std::get_if<Rectangle>(&item);
      if (!band) continue;
      band->fill.green ^= 0x40;
      return;
    }
  };
  for (const char* const extension : kExtensions) {
    const SampleView view(View::Kind::neuron);
    const CheckResult result = compared(view, view, extension, recolored);
    ASSERT_EQ(result.status, Status::different) << extension;
    EXPECT_EQ(result.findings.front().step, CheckStep::picture) << extension;
  }
}

}  // namespace
}  // namespace attnviz::test
