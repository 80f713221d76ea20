/// catalog: which models there are, and what a model's directory says about it, without running it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attnviz/file.h"

namespace attnviz {

/// What config.json or attnviz.json say. A number that neither gives is 0, and a bare TorchScript file counts
/// as an encoder that takes pairs, until the probe run of open_model has looked.
struct ModelCard {
  std::filesystem::path directory;
  std::string name;          ///< the manifest's, else the directory's
  std::string architecture;  ///< config.json's model_type: "bert", "distilbert", "roberta", "gpt2", …
  std::string source;        ///< where the weights come from, when known
  int layers = 0;            ///< of an encoder-decoder: its encoder's
  int heads = 0;
  int hidden = 0;
  int head_size = 0;       ///< of a head's vectors; 0: hidden / heads
  int inner = 0;           ///< width of the feed-forward part; 0: four times hidden
  bool gated = false;      ///< that part has as wide a gate beside it
  int window = 0;          ///< the queries of some layers see the keys fewer tokens away than that; 0: all
  int decoder_layers = 0;  ///< above 0: an encoder-decoder
  int decoder_heads = 0;
  int decoder_inner = 0;
  bool decoder_causal = true;
  std::int64_t decoder_start_id = -1;  ///< which token a decoder's input begins with; -1: not said
  std::size_t max_tokens = 0;          ///< special tokens included
  bool causal = false;                 ///< of an encoder-decoder: its encoder
  bool takes_pairs = false;
  bool has_checkpoint = false;                ///< config.json and model.safetensors (or an index of shards)
  bool has_torchscript = false;               ///< model.pt
  std::map<std::string, std::string> sha256;  ///< file → digest, as the manifest lists them
  std::string exporter;                       ///< the manifest's exporter and torch versions, when known
  std::string torch;

  [[nodiscard]] bool is_encoder_decoder() const { return decoder_layers > 0; }
};

/// The directory of a model: `model` itself when it is a path to a directory (it holds a slash or begins with
/// a dot), else looked up by name ("gpt2", or "owner/gpt2" as the hub writes it) in
/// $ATTNVIZ_MODELS (a path list), in models/ beside the program, and in the user's data directory
/// ($XDG_DATA_HOME/attnviz/models). Throws Error that lists where it looked and the nearest names.
[[nodiscard]] std::filesystem::path find_model(std::string_view model);

/// The directories that names are looked up in, in that order; not all need to exist.
[[nodiscard]] std::vector<std::filesystem::path> model_path();

/// All models found on the path, by name; the first of a name wins. A card's name here is the one that
/// find_model takes. A damaged model is listed with its directory only: read_card says what is wrong.
[[nodiscard]] std::vector<ModelCard> list_models();

/// Throws Error naming the file and the fault (missing, malformed, a contradiction).
[[nodiscard]] ModelCard read_card(const std::filesystem::path& directory);

/// Where a checkpoint's weights are to be read from: model.safetensors, or without one the index of its shards.
[[nodiscard]] std::filesystem::path weights_file(const std::filesystem::path& directory);

/// Compares every file that the manifest lists with its digest. Returns one line a fault
/// ("model.pt: changed: sha256 …, expected …"); empty when all is well.
[[nodiscard]] std::vector<std::string> verify_files(const ModelCard& card);

/// Checks that a TorchScript file is a sane zip before libtorch opens it: an end record, a central
/// directory inside the file, local headers that agree, names without "..", absolute paths or duplicates,
/// stored or deflated entries with plausible sizes and no overlap. Throws Error naming file and fault.
void check_archive(const std::filesystem::path& path);

/// Looks a TorchScript file through, whose load and forward would run what it holds: its sources may be made
/// of what torch.jit.trace writes of operators that only compute, its pickles of numbers, tensors inside
/// their storages and objects as the sources declare them, and it may have no other entries. Throws Error
/// naming file, entry, line and what is refused.
void check_program(const std::filesystem::path& path);

/// A TorchScript file as libtorch is to be given it: bytes that lie in several places. Movable.
struct Program {
  MappedFile file;
  std::vector<std::string> written = {};  ///< what is not as it was
  /// The whole archive, one piece behind the other; views into the file and into what was written.
  std::vector<std::string_view> pieces = {};
};

/// Opens a TorchScript file, once, and checks it as check_archive() and check_program() do. What it gives is
/// written anew from what was read: libtorch sees no byte of the file but its tensors' numbers. What is
/// `trusted` is given as it is.
[[nodiscard]] Program open_program(const std::filesystem::path& path, bool trusted);

}  // namespace attnviz
