// Runs a model over token ids and writes what it gives, for tests/model_parity.py to compare.
//
//   model_dump MODEL BACKEND OUTPUT_DIRECTORY [PRECISION [allow]] < requests.jsonl
//
// One request a line: {"layers": [...], "heads": [...], "query_key": bool, "norm": bool, "ids": [[...], ...],
// "types": [[...], ...], "ablated": [[layer, head], ...], "predict": bool}, and of an encoder-decoder "part":
// "encoder", "decoder" or "cross", and "targets": ids as the decoder reads them. Sentence s of request r
// becomes OUTPUT_DIRECTORY/r.s.safetensors. Prints the card, and for each request its seconds, the memory it
// took at its peak beyond what the process held before, what that was predicted to be, and what the model
// predicts of its sentences (then the memory is that prediction's), as a JSON object. A failure is one line
// on stderr and status 2, as the program's own. "allow": numbers that are not finite are given.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/file.h"
#include "attnviz/model.h"

namespace {

using Json = nlohmann::json;

attnviz::Backend backend_of(const std::string& name) {
  if (name == "checkpoint") return attnviz::Backend::checkpoint;
  if (name == "torchscript") return attnviz::Backend::torchscript;
  return attnviz::Backend::automatic;
}

attnviz::Precision precision_of(const std::string& name) {
  if (name == "bf16") return attnviz::Precision::bf16;
  return name == "fp16" ? attnviz::Precision::fp16 : attnviz::Precision::fp32;
}

attnviz::AttentionPart part_of(const std::string& name) {
  if (name == "decoder") return attnviz::AttentionPart::decoder;
  return name == "cross" ? attnviz::AttentionPart::cross : attnviz::AttentionPart::encoder;
}

std::vector<attnviz::Encoding> texts_of(const Json& lists) {
  std::vector<attnviz::Encoding> encodings;
  for (const Json& ids : lists) {
    attnviz::Encoding encoding;
    encoding.ids = ids.get<std::vector<std::int64_t>>();
    encoding.types.resize(encoding.ids.size());
    encodings.push_back(std::move(encoding));
  }
  return encodings;
}

std::vector<attnviz::Encoding> encodings_of(const Json& request) {
  std::vector<attnviz::Encoding> encodings = texts_of(request.at("ids"));
  if (!request.contains("types")) return encodings;
  for (std::size_t i = 0; i < encodings.size(); ++i) {
    encodings[i].types = request["types"][i].get<std::vector<std::int64_t>>();
  }
  return encodings;
}

std::size_t longest_of(const std::vector<attnviz::Encoding>& encodings) {
  std::size_t longest = 0;
  for (const attnviz::Encoding& encoding : encodings) longest = std::max(longest, encoding.size());
  return longest;
}

bool is_padded(const std::vector<attnviz::Encoding>& encodings) {
  const std::size_t longest = longest_of(encodings);
  return std::any_of(encodings.begin(), encodings.end(),
                     [&](const attnviz::Encoding& encoding) { return encoding.size() != longest; });
}

std::vector<attnviz::HeadPlace> ablated_of(const Json& request) {
  std::vector<attnviz::HeadPlace> places;
  for (const auto& [layer, head] : request.value("ablated", std::vector<std::pair<int, int>>())) {
    places.push_back({layer, head});
  }
  return places;
}

Json json_of(const attnviz::Prediction& made) {
  return {{"kind", static_cast<int>(made.kind)},
          {"labels", made.labels},
          {"logits", made.logits},
          {"probabilities", made.probabilities}};
}

/// Bytes, of a line of this process's status: "VmRSS:", or "VmHWM:", the most that VmRSS was.
long memory(const std::string& line) {
  std::ifstream status("/proc/self/status");
  std::string name;
  long kilobytes = 0;
  while (status >> name) {
    if (name == line && status >> kilobytes) break;
  }
  return kilobytes * 1024;
}

/// VmHWM starts anew.
void forget_peak() { std::ofstream("/proc/self/clear_refs") << 5; }

void run(const std::string& model_name, attnviz::ModelOptions options, const std::string& directory) {
  const attnviz::ModelCard given = attnviz::read_card(attnviz::find_model(model_name));
  const std::unique_ptr<attnviz::Model> model = attnviz::open_model(given, options);
  options.backend = model->backend();
  const attnviz::ModelCard& card = model->card();
  std::string line;
  Json seconds = Json::array(), growth = Json::array(), predicted = Json::array();
  Json predictions = Json::array();
  for (int number = 0; std::getline(std::cin, line); ++number) {
    const Json request = Json::parse(line);
    const attnviz::Selection selection = {
        request.value("layers", std::vector<int>()),
        request.value("heads", std::vector<int>()),
        request.value("query_key", false),
        request.value("norm", false) ? attnviz::WeightKind::norm : attnviz::WeightKind::attention,
        ablated_of(request),
        part_of(request.value("part", ""))};
    const std::vector<attnviz::Encoding> encodings = encodings_of(request);
    const std::vector<attnviz::Encoding> targets = texts_of(request.value("targets", Json::array()));
    const attnviz::BatchShape shape = {encodings.size(), longest_of(encodings), longest_of(targets),
                                       is_padded(encodings)};
    predicted.push_back(predicted_memory(card, shape, selection, options));
    forget_peak();
    const long before = memory("VmRSS:");
    const auto start = std::chrono::steady_clock::now();
    const std::vector<attnviz::Attention> results = model->run(encodings, targets, selection);
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    growth.push_back(memory("VmHWM:") - before);
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!options.allow_non_finite) attnviz::validate(results[i]);
      attnviz::OutputFile file(directory + "/" + std::to_string(number) + "." + std::to_string(i) +
                               ".safetensors");
      attnviz::write_safetensors(results[i], {}, [&](std::string_view bytes) { file.write(bytes); });
      file.commit();
      if (!request.value("predict", false)) continue;
      forget_peak();
      const long held = memory("VmRSS:");
      const attnviz::Prediction made = model->predict(encodings[i], ablated_of(request));
      growth.back() = memory("VmHWM:") - held;
      predictions.push_back(json_of(made));
      predicted.back() = attnviz::prediction_memory(card, encodings[i].size(), made.logits.size());
    }
  }
  const Json summary = {{"layers", card.layers},
                        {"heads", card.heads},
                        {"hidden", card.hidden},
                        {"decoder_layers", card.decoder_layers},
                        {"decoder_heads", card.decoder_heads},
                        {"decoder_start_id", card.decoder_start_id},
                        {"max_tokens", card.max_tokens},
                        {"causal", card.causal},
                        {"device", model->device()},
                        {"checkpoint", model->backend() == attnviz::Backend::checkpoint},
                        {"seconds", seconds},
                        {"memory_growth", growth},
                        {"predicted_memory", predicted},
                        {"predictions", predictions}};
  std::cout << summary << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc > 6) {
    std::cerr << "usage: model_dump MODEL BACKEND OUTPUT_DIRECTORY [PRECISION [allow]] < requests.jsonl\n";
    return 2;
  }
  try {
    run(argv[1],
        {.backend = backend_of(argv[2]),
         .precision = precision_of(argc > 4 ? argv[4] : "fp32"),
         .allow_non_finite = argc == 6},
        argv[3]);
    return 0;
  } catch (const attnviz::Error& error) {
    std::cerr << error.what() << "\n  hint: " << error.hint() << "\n";
    return 2;
  }
}
