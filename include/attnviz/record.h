/// record: what a figure's file says of itself: the request it came from, the tokens, and the numbers drawn,
/// as JSON and back.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attnviz/figure.h"

namespace attnviz {

/// A label or a next token that a model predicts.
struct RecordedPrediction {
  std::string label;
  double value = 0;  ///< its probability; a regression's number

  friend bool operator==(const RecordedPrediction&, const RecordedPrediction&) = default;
};

/// "predicts “toxic” 0.98, “insult” 0.41", as a figure's note says it.
[[nodiscard]] std::string prediction_note(const std::vector<RecordedPrediction>& predicted);

/// A text and the model that read it. Two in a comparison of two.
struct RecordedText {
  std::string model;                          ///< its name
  std::map<std::string, std::string> sha256;  ///< file → digest, as the model's manifest lists them
  std::string backend;                        ///< "checkpoint" or "torchscript"
  std::string text;
  std::optional<std::string> pair{};
  std::vector<std::string> tokens;  ///< all of them, as the vocabulary writes them, whichever are shown
  std::vector<std::int64_t> ids;
  std::vector<RecordedPrediction> predicted{};  ///< what was asked for, the most probable first
  std::optional<std::string> target{};          ///< what an encoder-decoder's decoder has read of it
  std::vector<std::string> target_tokens{};
  std::vector<std::int64_t> target_ids{};
};

/// All that a figure is made of. `drawn` borrows its numbers and labels.
struct Record {
  std::string program;                 ///< "attnviz 0.1.0"
  std::vector<std::string> arguments;  ///< of the command line, from the command's name on
  std::vector<RecordedText> texts;
  Look look;
  Drawn drawn;
};

/// How a record's numbers are written: little-endian, row-major, in base64.
enum class Packing {
  float32,  ///< they come back bit for bit
  uint16    ///< a view's, for pages: a weight as round(65535 · w), at most 7.7e-6 off, norms as float32; a
            ///< query or key vector's number as int16, round(32767 · v / scale), with the largest |v| of its
            ///< layer and head as scale; all as float32 where a number is not finite
};

/// One JSON object on one line.
[[nodiscard]] std::string to_json(const Record& record, Packing packing = Packing::float32);

/// A record that was read, with the numbers and labels that it borrows.
class StoredRecord {
 public:
  /// `what` names the file in errors. Throws Error: not JSON, a format of a later version, members that are
  /// missing or of another kind, sizes that do not agree.
  StoredRecord(std::string_view json, const std::string& what);
  StoredRecord(StoredRecord&&) noexcept = default;
  StoredRecord& operator=(StoredRecord&&) noexcept = default;

  [[nodiscard]] const Record& record() const { return record_; }

 private:
  friend class RecordReader;
  std::deque<std::vector<float>> weights_;
  std::deque<std::vector<double>> numbers_;
  std::deque<std::vector<TokenLabel>> labels_;
  Record record_;
};

}  // namespace attnviz
