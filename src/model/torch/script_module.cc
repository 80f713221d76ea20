#include "model/torch/script_module.h"

#include <c10/core/ScalarType.h>
#include <caffe2/serialize/read_adapter_interface.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/runtime/operator.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "attnviz/catalog.h"
#include "attnviz/file.h"
#include "model/torch/runtime.h"

namespace attnviz {
namespace {

constexpr char kHint[] = "make one with scripts/export_model.py, which traces with any batch size and length";
constexpr char kTrustHint[] = "if you trust it as you would a program, --trust-model runs it";

/// Bytes that lie in several places, read as if they were a file.
class PieceReader final : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit PieceReader(std::vector<std::string_view> pieces) : pieces_(std::move(pieces)) {
    for (const std::string_view piece : pieces_) ends_.push_back(size() + piece.size());
  }

  [[nodiscard]] std::size_t size() const override { return ends_.empty() ? 0 : ends_.back(); }

  std::size_t read(std::uint64_t place, void* to, std::size_t count, const char* /*what*/) const override {
    const auto first = std::upper_bound(ends_.begin(), ends_.end(), place);
    auto piece = static_cast<std::size_t>(first - ends_.begin());
    std::size_t done = 0;
    for (; done < count && piece < pieces_.size(); ++piece) {
      const std::uint64_t begin = ends_[piece] - pieces_[piece].size();
      const std::string_view part = pieces_[piece].substr(place + done - begin, count - done);
      std::memcpy(static_cast<char*>(to) + done, part.data(), part.size());
      done += part.size();
      // libtorch has its copy now.
      constexpr std::size_t kLarge = 1 << 20;
      if (part.size() >= kLarge) MappedFile::let_go(std::as_bytes(std::span(part)));
    }
    return done;
  }

 private:
  std::vector<std::string_view> pieces_;
  std::vector<std::uint64_t> ends_;
};

/// The processor divides whole numbers, and ends the process for zero. libtorch does so with constants as soon
/// as it reads a program, so that nobody could look before: for what is not trusted there is no such operator.
void forget_remainders_of_numbers() {
  static const bool done = [] {
    const std::vector<std::shared_ptr<torch::jit::Operator>> all =
        torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString("aten::remainder"));
    for (const auto& one : all) {
      const std::string& overload = one->schema().overload_name();
      if (overload == "int" || overload.empty()) torch::jit::deregisterOperator(one->schema());
    }
    return true;
  }();
  static_cast<void>(done);
}

/// A model of 100 layers has some 10,000.
constexpr std::size_t kMostNodes = 1'000'000;

torch::jit::Function* called_by(const torch::jit::Node& node) {
  if (node.kind() == c10::prim::CallFunction) {
    return node.input(0)->type()->expect<c10::FunctionType>()->function();
  }
  const bool method = node.kind() == c10::prim::CallMethod;
  const auto type = method ? node.input(0)->type()->cast<c10::ClassType>() : nullptr;
  return type ? type->findMethod(node.s(c10::attr::name)) : nullptr;
}

/// Whether the input of that name is certainly false or zero.
bool is_off(const torch::jit::Node& node, const char* input) {
  const auto value = torch::jit::toIValue(node.namedInput(input));
  return value && ((value->isBool() && !value->toBool()) || (value->isDouble() && value->toDouble() == 0));
}

/// Whether the input of that name is certainly left out.
bool is_left_out(const torch::jit::Node& node, const char* input) {
  const auto value = torch::jit::toIValue(node.namedInput(input));
  return value && value->isNone();
}

/// libtorch takes the number of a type for a place in a table, without asking whether it has one.
bool is_plain_type(std::int64_t number) {
  if (number < 0 || number >= static_cast<std::int64_t>(c10::ScalarType::Undefined)) return false;
  const auto type = static_cast<c10::ScalarType>(number);
  return c10::isFloatingType(type) || c10::isIntegralType(type, /*includeBool=*/true) ||
         c10::isComplexType(type);
}

/// Whether an input names what its argument does, or certainly leaves it out.
bool names_what_there_is(const std::string& argument, const torch::jit::Value& input) {
  const bool is_type = argument.ends_with("dtype"), is_layout = argument == "layout";
  if (!is_type && !is_layout && argument != "memory_format") return true;
  const auto value = torch::jit::toIValue(&input);
  if (!value) return is_type && std::string_view(input.node()->kind().toQualString()) == "prim::dtype";
  if (!value->isInt()) return value->isNone();
  constexpr std::int64_t kStrided = 0, kFormats = 4;
  if (is_type) return is_plain_type(value->toInt());
  return is_layout ? value->toInt() == kStrided : value->toInt() >= 0 && value->toInt() < kFormats;
}

/// What a graph that is not trusted must not do beside: tell what libtorch believes, and then reads or writes
/// where nothing is.
std::string unchecked(const torch::jit::Node& node) {
  const c10::FunctionSchema* const schema = node.maybeSchema();
  if (!schema) return {};
  for (std::size_t i = 0; i < schema->arguments().size() && i < node.inputs().size(); ++i) {
    const std::string& name = schema->arguments()[i].name();
    if (!names_what_there_is(name, *node.input(i))) return "names no " + name + " that it could";
  }
  // These take a type or a device for given where there is something to copy.
  if (schema->name() == "aten::to" && schema->overload_name().starts_with("prim_") && !is_off(node, "copy"))
    return "copies in a way that no trace does";
  if (schema->name() != "aten::repeat_interleave") return {};
  // It repeats each element as often as a tensor tells, and finds out about one below zero when it has
  // written others behind the room that it was told of.
  const bool by_tensor = node.namedInput("repeats")->type()->isSubtypeOf(*c10::TensorType::get());
  return by_tensor && !is_left_out(node, "output_size") ? "tells how large a result will be" : "";
}

/// What a graph that is not trusted must not do: give another result each time, or change what lasts in a way
/// that no tensor tells of.
std::string unsteady(const torch::jit::Node& node) {
  const std::string_view kind = node.kind().toQualString();
  if (node.kind() == c10::prim::SetAttr) return "sets an attribute";
  if (kind == "aten::batch_norm" && !is_off(node, "training")) return "trains a batch norm";
  const bool drops = (kind == "aten::dropout" || kind == "aten::dropout_") && !is_off(node, "train");
  if (drops || (kind == "aten::scaled_dot_product_attention" && !is_off(node, "dropout_p"))) {
    return "drops values at random";
  }
  const c10::FunctionSchema* const schema = node.maybeSchema();
  if (!schema) return {};
  for (std::size_t i = 0; i < schema->arguments().size() && i < node.inputs().size(); ++i) {
    const c10::AliasInfo* const alias = schema->arguments()[i].alias_info();
    const bool writes = alias && alias->isWrite();
    if (writes && !node.input(i)->type()->isSubtypeOf(*c10::TensorType::get())) return "changes a list";
  }
  return {};
}

/// Goes through all functions that a function calls.
class GraphWalk {
 public:
  /// How many nodes it has with all that it calls put in the place of the calls, as libtorch does before it
  /// runs: few functions that each call another twice come to more than any memory holds.
  std::size_t count(torch::jit::Function& function) {
    const auto found = counts_.find(&function);
    if (found != counts_.end()) return found->second;
    const std::size_t nodes = count(*torch::jit::toGraphFunction(function).graph()->block());
    return counts_[&function] = nodes;
  }
  [[nodiscard]] const std::vector<c10::IValue>& constants() const { return constants_; }
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  std::size_t count(const torch::jit::Block& block) {
    std::size_t nodes = 0;
    for (const torch::jit::Node* node : block.nodes()) {
      ++nodes;
      if (fault_.empty()) fault_ = unchecked(*node);
      if (fault_.empty()) {
        const std::string unsteady_by = unsteady(*node);
        if (!unsteady_by.empty()) fault_ = unsteady_by + ", so that a later run would give something else";
      }
      if (node->kind() == c10::prim::Constant) {
        if (auto value = torch::jit::toIValue(node->output())) constants_.push_back(std::move(*value));
      }
      for (const torch::jit::Block* inner : node->blocks()) nodes += count(*inner);
      if (torch::jit::Function* const called = called_by(*node)) nodes += count(*called);
      nodes = std::min(nodes, kMostNodes + 1);
    }
    return nodes;
  }

  std::map<const torch::jit::Function*, std::size_t> counts_;
  std::vector<c10::IValue> constants_;
  std::string fault_;
};

}  // namespace

std::vector<at::Tensor> tensors_in(const c10::IValue& value) {
  std::vector<at::Tensor> tensors;
  const auto take = [&](const c10::IValue& element) {
    for (at::Tensor& tensor : tensors_in(element)) tensors.push_back(std::move(tensor));
  };
  if (value.isTensor()) {
    tensors.push_back(value.toTensor());
  } else if (value.isTuple()) {
    for (const c10::IValue& element : value.toTupleRef().elements()) take(element);
  } else if (value.isList()) {
    for (const c10::IValue& element : value.toListRef()) take(element);
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) take(entry.value());
  }
  return tensors;
}

ScriptModule::ScriptModule(const std::filesystem::path& path, bool trusted, c10::Device device)
    : path_(path.string()) {
  const Program program = open_program(path, trusted);
  if (!trusted) forget_remainders_of_numbers();
  module_ = translated(path_ + ": not a usable TorchScript model", kHint, [&] {
    const auto reader = std::make_shared<PieceReader>(program.pieces);
    return torch::jit::load(reader, device, /*load_debug_files=*/false);
  });
  module_.eval();
  check_graphs(trusted);
  for (const auto& attribute : module_.named_attributes()) keep(attribute.value);
}

void ScriptModule::check_graphs(bool trusted) {
  GraphWalk walk;
  const std::size_t nodes =
      translated(path_, kHint, [&] { return walk.count(module_.get_method("forward").function()); });
  for (const c10::IValue& constant : walk.constants()) keep(constant);
  if (trusted) return;
  if (nodes > kMostNodes) {
    throw Error(
        path_ + ": not run: its functions call each other more than " + std::to_string(kMostNodes) + " times",
        kTrustHint);
  }
  if (!walk.fault().empty()) {
    throw Error(path_ + ": not run: " + walk.fault(), kTrustHint);
  }
}

void ScriptModule::keep(const c10::IValue& value) {
  if (value.isObject()) return;  // whose attributes are taken one by one
  for (at::Tensor& tensor : tensors_in(value)) {
    if (!tensor.defined()) continue;
    const std::int64_t version = tensor._version();
    kept_.push_back({std::move(tensor), version});
  }
}

void ScriptModule::check_unchanged() const {
  const auto is_changed = [](const Kept& kept) { return kept.tensor._version() != kept.version; };
  if (std::none_of(kept_.begin(), kept_.end(), is_changed)) return;
  throw Error(path_ + ": writes to its own weights when it runs: what it gives depends on what ran before",
              "trace a module that leaves its parameters and buffers as they are");
}

c10::IValue ScriptModule::forward(std::vector<c10::IValue> arguments) {
  check_unchanged();
  c10::IValue result = module_.forward(std::move(arguments));
  check_unchanged();
  return result;
}

}  // namespace attnviz
