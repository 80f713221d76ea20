#include "attnviz/tokens.h"
#include "tokens/pipeline.h"

namespace attnviz {

struct Tokenizer::State {
  tokens::Pipeline pipeline;
};

Tokenizer::Tokenizer(const std::filesystem::path& directory)
    : state_(std::make_unique<const State>(State{tokens::read_directory(directory)})) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Encoding Tokenizer::encode(std::string_view text, std::optional<std::string_view> pair,
                           const EncodeOptions& options) const {
  return state_->pipeline.encode(text, pair, options);
}

Encoding Tokenizer::encode_target(std::string_view text, const EncodeOptions& options) const {
  const tokens::Pipeline& pipeline = state_->pipeline;
  return (pipeline.target ? *pipeline.target : pipeline).encode(text, std::nullopt, options);
}

std::vector<TokenLabel> Tokenizer::labels(const Encoding& encoding) const {
  std::vector<TokenLabel> labels;
  labels.reserve(encoding.size());
  for (std::size_t i = 0; i < encoding.size(); ++i) {
    labels.push_back(state_->pipeline.label(encoding.tokens[i], encoding.ids[i], encoding.special[i] != 0));
  }
  return labels;
}

std::optional<TokenLabel> Tokenizer::label(std::int64_t id) const {
  const tokens::Pipeline& pipeline = state_->pipeline;
  const std::optional<std::string_view> token = pipeline.token_of(id);
  if (!token) return std::nullopt;
  return pipeline.label(*token, id, /*special=*/false);
}

std::size_t Tokenizer::vocabulary_size() const { return state_->pipeline.vocabulary_size(); }

std::int64_t Tokenizer::padding_id() const { return state_->pipeline.padding_id; }

const std::vector<std::string>& Tokenizer::files() const { return state_->pipeline.files; }

}  // namespace attnviz
