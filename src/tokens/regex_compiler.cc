#include <algorithm>

#include "attnviz/error.h"
#include "tokens/regex_node.h"

namespace attnviz::tokens {
namespace {

using Instruction = Regex::Instruction;

constexpr std::size_t kLongestProgram = 10000;
// Ranges in all classes of a program: \p{L} has some 700. Patterns of tokenizers come to some 10,000.
constexpr std::size_t kMostRanges = 50'000;

class Compiler {
 public:
  void add(const RegexNode& node) {
    // Not all nodes become instructions.
    if (++nodes_ > kLongestProgram) throw Error("repeats too much");
    switch (node.kind) {
      case RegexNode::Kind::set:
        return add_set(node, {.kind = Instruction::Kind::repeat});
      case RegexNode::Kind::sequence:
        for (const RegexNode& child : node.children) add(child);
        return;
      case RegexNode::Kind::choice:
        return add_choice(node);
      case RegexNode::Kind::repeat:
        return add_repeat(node);
      case RegexNode::Kind::look:
        return add_enclosed(Instruction::Kind::look, node.children[0], node.negated);
      case RegexNode::Kind::start:
        emit({.kind = Instruction::Kind::start});
        return;
    }
  }

  std::uint32_t emit(const Instruction& instruction) {
    if (program_.instructions.size() >= kLongestProgram) throw Error("repeats too much");
    program_.instructions.push_back(instruction);
    return here() - 1;
  }

  Regex::Program take() { return std::move(program_); }

 private:
  [[nodiscard]] std::uint32_t here() const {
    return static_cast<std::uint32_t>(program_.instructions.size());
  }
  void end_here(std::uint32_t instruction) { program_.instructions[instruction].other = here(); }

  void add_set(const RegexNode& node, Instruction instruction) {
    ranges_ += node.set.ranges().size();
    if (ranges_ > kMostRanges) throw Error("repeats too much");
    instruction.set = static_cast<std::uint32_t>(program_.sets.size());
    program_.sets.push_back(node.set);
    emit(instruction);
  }

  void add_enclosed(Instruction::Kind kind, const RegexNode& child, bool negated) {
    const std::uint32_t begin = emit({.kind = kind, .negated = negated});
    add(child);
    emit({.kind = Instruction::Kind::end});
    end_here(begin);
  }

  void add_choice(const RegexNode& node) {
    std::vector<std::uint32_t> jumps;
    for (std::size_t i = 0; i + 1 < node.children.size(); ++i) {
      const std::uint32_t split = emit({.kind = Instruction::Kind::split});
      add(node.children[i]);
      jumps.push_back(emit({.kind = Instruction::Kind::jump}));
      end_here(split);
    }
    add(node.children.back());
    for (const std::uint32_t jump : jumps) end_here(jump);
  }

  void add_repeat(const RegexNode& node) {
    const RegexNode& child = node.children[0];
    if (child.kind == RegexNode::Kind::set && !node.lazy) {
      return add_set(child, {.kind = Instruction::Kind::repeat,
                             .possessive = node.possessive,
                             .least = node.least,
                             .most = node.most});
    }
    if (node.possessive) {
      RegexNode plain = node;
      plain.possessive = false;
      return add_enclosed(Instruction::Kind::atom, plain, false);
    }
    for (std::uint32_t i = 0; i < node.least; ++i) add(child);
    const Instruction split = {.kind = Instruction::Kind::split, .lazy = node.lazy};
    if (node.most == Regex::kEndless) {
      if (child.shortest() == 0) throw Error("repeats what may be empty");
      const std::uint32_t begin = emit(split);
      add(child);
      emit({.kind = Instruction::Kind::jump, .other = begin});
      return end_here(begin);
    }
    std::vector<std::uint32_t> splits;
    for (std::uint32_t i = node.least; i < node.most; ++i) {
      splits.push_back(emit(split));
      add(child);
    }
    for (const std::uint32_t each : splits) end_here(each);
  }

  Regex::Program program_;
  std::size_t nodes_ = 0, ranges_ = 0;
};

}  // namespace

std::size_t RegexNode::shortest() const {
  std::size_t total = 0;
  switch (kind) {
    case Kind::set:
      return 1;
    case Kind::look:
    case Kind::start:
      return 0;
    case Kind::repeat:
      return least == 0 ? 0 : children[0].shortest();
    case Kind::sequence:
      for (const RegexNode& child : children) total += child.shortest();
      return total;
    case Kind::choice:
      total = children[0].shortest();
      for (const RegexNode& child : children) total = std::min(total, child.shortest());
      return total;
  }
  return total;
}

Regex::Program compile(const RegexNode& root) {
  Compiler compiler;
  compiler.add(root);
  compiler.emit({.kind = Instruction::Kind::end});
  return compiler.take();
}

}  // namespace attnviz::tokens
