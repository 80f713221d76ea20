#include "model/torch/top.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace attnviz {
namespace {

using Kind = Prediction::Kind;

std::vector<float> softmax(const std::vector<float>& logits) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  std::vector<float> probabilities;
  probabilities.reserve(logits.size());
  for (const float logit : logits) {
    probabilities.push_back(static_cast<float>(std::exp(static_cast<double>(logit) - largest) / sum));
  }
  return probabilities;
}

std::vector<float> sigmoid(const std::vector<float>& logits) {
  std::vector<float> probabilities;
  for (const float logit : logits) {
    probabilities.push_back(static_cast<float>(1 / (1 + std::exp(-static_cast<double>(logit)))));
  }
  return probabilities;
}

/// Stored as [outputs, inputs] in every family.
Linear dense(ParameterPointer weight, ParameterPointer bias = nullptr) {
  return {std::move(weight), std::move(bias), /*input_major=*/false};
}

}  // namespace

Top::Top(const Architecture& is, const Task& task, const Weights& weights)
    : task_(task), last_token_(is.top.last_token), norm_(bind_final_norm(is, weights)) {
  const TopPlan& plan = is.top;
  std::int64_t width = is.hidden;
  if (!is.names.final_projection.empty()) {
    width = is.embedding;
    projection_ = dense(weights.get(is.names.final_projection + ".weight", {width, is.hidden}));
  }
  if (task.kind == Kind::next_token) {
    const std::vector<std::int64_t> shape = {is.vocabulary, width};
    logits_ = dense(plan.tied ? weights.get(is.names.words + ".weight", shape)
                              : weights.get_beside(plan.next_token + ".weight", shape));
    return;
  }
  if (!plan.pooler.empty()) {
    const auto get = [&](const std::string& name, const std::vector<std::int64_t>& shape) {
      return plan.pooler_inside ? weights.get(name, shape) : weights.get_beside(name, shape);
    };
    pooler_ = dense(get(plan.pooler + ".weight", {width, width}), get(plan.pooler + ".bias", {width}));
    activation_ = find_activation(plan.pooler_activation);
  }
  const auto labels = static_cast<std::int64_t>(task.labels.size());
  logits_ = dense(weights.get_beside(plan.classifier + ".weight", {labels, width}),
                  last_token_ ? nullptr : weights.get_beside(plan.classifier + ".bias", {labels}));
}

std::int64_t Top::place(std::span<const std::int64_t> ids) const {
  if (!last_token_) return 0;
  auto last = static_cast<std::int64_t>(ids.size()) - 1;
  if (task_.kind == Kind::next_token) return last;
  while (last > 0 && ids[static_cast<std::size_t>(last)] == task_.padding_id) --last;
  return last;
}

Prediction Top::operator()(const at::Tensor& states, std::span<const std::int64_t> ids) const {
  at::Tensor state = states.select(1, place(ids));
  if (norm_) state = (*norm_)(state);
  if (projection_) state = (*projection_)(state);
  if (pooler_) state = activation_((*pooler_)(state));
  const at::Tensor logits = logits_(state).to(at::kCPU, at::kFloat).contiguous();
  const float* const first = logits.const_data_ptr<float>();
  Prediction made{task_.kind, task_.labels, {first, first + logits.numel()}, {}};
  made.probabilities = made.kind == Kind::many_labels ? sigmoid(made.logits)
                       : made.kind == Kind::value     ? made.logits
                                                      : softmax(made.logits);
  return made;
}

}  // namespace attnviz
