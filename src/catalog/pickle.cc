#include "catalog/pickle.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "attnviz/error.h"

// Python's pickle protocol 2 (Lib/pickletools.py), as far as torch/csrc/jit/serialization/unpickler.cpp reads
// it.

namespace attnviz {
namespace {

/// libtorch frees nested values, and reads types, by recursion.
constexpr std::uint32_t kDeepestNesting = 200;
constexpr std::ptrdiff_t kDeepestType = 100;
constexpr std::size_t kLongestString = 1 << 16;

/// Functions that a pickle may call: all make lists or tensors of their arguments.
constexpr std::array<std::string_view, 7> kFunctions = {"torch._utils\n_rebuild_tensor_v2",
                                                        "torch.jit._pickle\nbuild_intlist",
                                                        "torch.jit._pickle\nbuild_doublelist",
                                                        "torch.jit._pickle\nbuild_boollist",
                                                        "torch.jit._pickle\nbuild_tensorlist",
                                                        "torch.jit._pickle\nrestore_type_tag",
                                                        "collections\nOrderedDict"};
constexpr std::string_view kRebuildTensor = kFunctions[0];
constexpr std::string_view kRestoreType = kFunctions[5];
constexpr std::string_view kClasses = "__torch__", kForeignClasses = "__torch__.torch.classes";

/// Bytes of a storage's elements.
constexpr std::array<std::pair<std::string_view, std::int64_t>, 12> kStorages = {
    {{"torch\nFloatStorage", 4},
     {"torch\nDoubleStorage", 8},
     {"torch\nHalfStorage", 2},
     {"torch\nBFloat16Storage", 2},
     {"torch\nLongStorage", 8},
     {"torch\nIntStorage", 4},
     {"torch\nShortStorage", 2},
     {"torch\nCharStorage", 1},
     {"torch\nByteStorage", 1},
     {"torch\nBoolStorage", 1},
     {"torch\nComplexFloatStorage", 8},
     {"torch\nComplexDoubleStorage", 16}}};

struct Value {
  enum class Kind { other, mark, integer, string, function, type, tuple, storage };
  Kind kind = Kind::other;
  std::int64_t number = 0;           ///< an integer; a type's bytes an element; a storage's elements
  std::string_view text{};           ///< a string; a function's name
  std::size_t first = 0, count = 0;  ///< a tuple's elements
  std::size_t object = 0;            ///< a list, a dictionary or what a function gave: its place in depths_
  std::uint32_t depth = 0;           ///< of what is nested in it
  bool shared = false;               ///< was seen before
};

class Walk {
 public:
  Walk(std::string_view pickle, const StorageSizes& storages) : rest_(pickle), storages_(storages) {}
  void run();

 private:
  bool step(char opcode);
  bool step_number(char opcode);
  bool step_collection(char opcode);
  bool step_memo(char opcode);
  [[noreturn]] static void refuse(const std::string& fault) { throw Error(fault); }

  std::string_view take(std::size_t count);
  std::string_view take_line();
  template <class Number>
  Number take();

  void push(Value value);
  void push_object(std::uint32_t depth);
  void push_known(std::size_t place);
  Value pop();
  std::size_t take_mark();
  [[nodiscard]] std::size_t place_of_last(std::size_t count) const;
  void push_tuple(std::size_t begin);
  void drop_into(std::size_t begin);
  void push_string(std::size_t size);
  void push_global();
  void call();
  void push_storage();
  void check_tensor(const Value& arguments) const;
  const Value& element(const Value& tuple, std::size_t index, Value::Kind kind) const;

  std::string_view rest_;
  const StorageSizes& storages_;
  const std::size_t size_ = rest_.size();
  std::vector<Value> stack_, elements_, memo_;
  std::vector<std::uint32_t> depths_ = {0};
};

std::string_view Walk::take(std::size_t count) {
  if (count > rest_.size()) refuse("ends too early");
  const std::string_view taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

std::string_view Walk::take_line() {
  const std::size_t end = rest_.find('\n');
  if (end == std::string_view::npos) refuse("ends too early");
  return take(end + 1);
}

template <class Number>
Number Walk::take() {
  Number number{};
  std::memcpy(&number, take(sizeof number).data(), sizeof number);
  return number;
}

void Walk::push(Value value) {
  if (value.depth > kDeepestNesting) refuse("nests values too deep");
  stack_.push_back(value);
}

void Walk::push_object(std::uint32_t depth) {
  push({.object = depths_.size(), .depth = depth});
  depths_.push_back(depth);
}

/// What is still being filled can't be part of itself, and what was seen before is not filled any more: so
/// the depth of each is known.
void Walk::push_known(std::size_t place) {
  if (place >= memo_.size()) refuse("takes a value that is not there");
  Value value = memo_[place];
  if (value.object != 0) {
    const auto is_same = [&](const Value& other) { return other.object == value.object; };
    if (std::any_of(stack_.begin(), stack_.end(), is_same)) refuse("puts a value into itself");
    value.depth = depths_[value.object];
    value.shared = true;
  }
  push(value);
}

Value Walk::pop() {
  if (stack_.empty() || stack_.back().kind == Value::Kind::mark) refuse("takes a value that is not there");
  const Value value = stack_.back();
  stack_.pop_back();
  return value;
}

/// Where the values behind the last mark begin, which goes.
std::size_t Walk::take_mark() {
  const auto is_mark = [](const Value& value) { return value.kind == Value::Kind::mark; };
  const auto found = std::find_if(stack_.rbegin(), stack_.rend(), is_mark);
  if (found == stack_.rend()) refuse("takes a value that is not there");
  return static_cast<std::size_t>(stack_.erase(std::next(found).base()) - stack_.begin());
}

std::size_t Walk::place_of_last(std::size_t count) const {
  if (stack_.size() < count) refuse("takes a value that is not there");
  return stack_.size() - count;
}

/// Of all values from there on.
void Walk::push_tuple(std::size_t begin) {
  Value tuple{.kind = Value::Kind::tuple, .first = elements_.size(), .count = stack_.size() - begin};
  for (std::size_t i = begin; i < stack_.size(); ++i) {
    if (stack_[i].kind == Value::Kind::mark) refuse("takes a value that is not there");
    tuple.depth = std::max(tuple.depth, stack_[i].depth + 1);
    elements_.push_back(stack_[i]);
  }
  stack_.resize(begin);
  push(tuple);
}

/// All values from there on become part of the one before.
void Walk::drop_into(std::size_t begin) {
  if (begin == 0 || stack_[begin - 1].object == 0 || stack_[begin - 1].shared) {
    refuse("fills what is no new list or dictionary");
  }
  std::uint32_t depth = stack_[begin - 1].depth;
  for (std::size_t i = begin; i < stack_.size(); ++i) depth = std::max(depth, stack_[i].depth + 1);
  stack_.resize(begin);
  stack_.back().depth = depths_[stack_.back().object] = depth;
  if (depth > kDeepestNesting) refuse("nests values too deep");
}

void Walk::push_string(std::size_t size) {
  if (size > kLongestString) refuse("holds a string of " + std::to_string(size) + " bytes");
  push({.kind = Value::Kind::string, .text = take(size)});
}

void Walk::push_global() {
  const char* const begin = rest_.data();
  const std::size_t module = take_line().size();
  const std::string_view both(begin, module + take_line().size() - 1);
  const std::string_view space = both.substr(0, module - 1);
  const auto* const storage = std::find_if(kStorages.begin(), kStorages.end(),
                                           [&](const auto& known) { return known.first == both; });
  if (storage != kStorages.end()) {
    push({.kind = Value::Kind::type, .number = storage->second, .text = both});
    return;
  }
  const bool own =
      (space == kClasses || space.starts_with("__torch__.")) && !both.starts_with(kForeignClasses);
  if (!own && std::find(kFunctions.begin(), kFunctions.end(), both) == kFunctions.end()) {
    std::string name(both);
    std::replace(name.begin(), name.end(), '\n', '.');
    refuse("uses " + name + ", which is not known to be harmless");
  }
  push({.kind = Value::Kind::function, .text = both});
}

const Value& Walk::element(const Value& tuple, std::size_t index, Value::Kind kind) const {
  if (tuple.kind != Value::Kind::tuple || index >= tuple.count) refuse("gives a function too little");
  const Value& value = elements_[tuple.first + index];
  if (value.kind != kind) refuse("gives a function what it does not expect");
  return value;
}

/// Of ("storage", its type, its name in the archive, a device, the number of elements).
void Walk::push_storage() {
  const Value id = pop();
  if (id.kind != Value::Kind::tuple || id.count != 5 ||
      element(id, 0, Value::Kind::string).text != "storage") {
    refuse("refers to what is no storage");
  }
  const std::int64_t bytes = element(id, 1, Value::Kind::type).number;
  const std::string_view name = element(id, 2, Value::Kind::string).text;
  const std::int64_t count = element(id, 4, Value::Kind::integer).number;
  const auto found = storages_.find(name);
  const std::uint64_t there = found == storages_.end() ? 0 : found->second;
  if (count < 0 || static_cast<std::uint64_t>(count) > there / static_cast<std::uint64_t>(bytes)) {
    refuse("tells of " + std::to_string(count) + " numbers in storage " + std::string(name) + ", which has " +
           std::to_string(there) + " bytes");
  }
  push({.kind = Value::Kind::storage, .number = count});
}

/// Of (a storage, offset, sizes, strides, whether it is trained, hooks).
void Walk::check_tensor(const Value& arguments) const {
  if (arguments.count != 6) refuse("makes a tensor in another way");
  const std::int64_t numbers = element(arguments, 0, Value::Kind::storage).number;
  std::int64_t last = element(arguments, 1, Value::Kind::integer).number;
  const Value& sizes = element(arguments, 2, Value::Kind::tuple);
  const Value& strides = element(arguments, 3, Value::Kind::tuple);
  constexpr std::size_t kMostDimensions = 64;
  bool inside = last >= 0 && sizes.count == strides.count && sizes.count <= kMostDimensions;
  bool empty = false;
  for (std::size_t i = 0; inside && i < sizes.count; ++i) {
    const std::int64_t size = element(sizes, i, Value::Kind::integer).number;
    const std::int64_t stride = element(strides, i, Value::Kind::integer).number;
    const std::int64_t steps = std::max<std::int64_t>(size - 1, 0);
    empty = empty || size == 0;
    inside = size >= 0 && stride >= 0 &&
             (steps == 0 || stride <= (std::numeric_limits<std::int64_t>::max() - last) / steps);
    if (inside) last += steps * stride;
  }
  if (!inside || (!empty && last >= numbers)) refuse("makes a tensor that reaches out of its storage");
}

void Walk::call() {
  const Value arguments = pop(), function = pop();
  if (function.kind != Value::Kind::function) refuse("calls what is no function");
  if (function.text == kRebuildTensor) check_tensor(arguments);
  if (function.text == kRestoreType) {
    const std::string_view type = element(arguments, 1, Value::Kind::string).text;
    if (std::count(type.begin(), type.end(), '[') > kDeepestType) refuse("nests a type too deep");
  }
  push_object(arguments.depth + 1);
}

bool Walk::step_number(char opcode) {
  const auto integer = [](std::int64_t number) {
    return Value{.kind = Value::Kind::integer, .number = number};
  };
  switch (opcode) {
    case 'K':
      push(integer(take<std::uint8_t>()));
      return true;
    case 'M':
      push(integer(take<std::uint16_t>()));
      return true;
    case 'J':
      push(integer(take<std::int32_t>()));
      return true;
    case '\x8a':  // LONG1, which libtorch reads and writes with eight bytes
      if (take<std::uint8_t>() != sizeof(std::int64_t)) refuse("holds an integer of another size");
      push(integer(take<std::int64_t>()));
      return true;
    case 'G':
      take(sizeof(double));
      push({});
      return true;
    case 'N':
    case '\x88':
    case '\x89':
      push({});
      return true;
    default:
      return false;
  }
}

bool Walk::step_collection(char opcode) {
  switch (opcode) {
    case '(':
      stack_.push_back({.kind = Value::Kind::mark});
      return true;
    case ')':
      push_tuple(stack_.size());
      return true;
    case '\x85':
    case '\x86':
    case '\x87':
      push_tuple(place_of_last(static_cast<std::size_t>(opcode - '\x84')));
      return true;
    case 't':
      push_tuple(take_mark());
      return true;
    case ']':
    case '}':
      push_object(0);
      return true;
    case 'e':
    case 'u':
      drop_into(take_mark());
      return true;
    case 'a':
    case 's':
      drop_into(place_of_last(opcode == 'a' ? 1 : 2));
      return true;
    default:
      return false;
  }
}

bool Walk::step_memo(char opcode) {
  const bool is_long = opcode == 'r' || opcode == 'j';
  if (opcode != 'q' && opcode != 'h' && !is_long) return false;
  const std::size_t place = is_long ? take<std::uint32_t>() : take<std::uint8_t>();
  if (opcode == 'h' || opcode == 'j') {
    push_known(place);
    return true;
  }
  // libtorch makes room for as many as the greatest number says.
  if (place > size_) refuse("numbers values beyond their number");
  const Value value = pop();
  stack_.push_back(value);
  memo_.resize(std::max(memo_.size(), place + 1));
  memo_[place] = value;
  return true;
}

bool Walk::step(char opcode) {
  switch (opcode) {
    case 'X':
      push_string(take<std::uint32_t>());
      return true;
    case 'c':
      push_global();
      return true;
    case 'Q':
      push_storage();
      return true;
    case '\x81': {
      const Value none = pop();
      if (none.kind != Value::Kind::tuple || none.count != 0) refuse("makes an object in another way");
      return true;
    }
    case 'R':
    case 'b':
      call();
      return true;
    default:
      return step_number(opcode) || step_collection(opcode) || step_memo(opcode);
  }
}

void Walk::run() {
  if (take(2) != "\x80\x02") refuse("is no pickle of protocol 2");
  for (;;) {
    const char opcode = take(1)[0];
    if (opcode == '.') break;
    if (!step(opcode)) {
      refuse("holds instruction " + std::to_string(static_cast<unsigned char>(opcode)) +
             ", which torch.jit.save does not write");
    }
  }
  if (stack_.size() != 1 || stack_[0].kind == Value::Kind::mark) refuse("gives no single value");
  if (!rest_.empty()) refuse("goes on behind its end");
}

}  // namespace

void check_pickle(std::string_view pickle, const StorageSizes& storages) { Walk(pickle, storages).run(); }

}  // namespace attnviz
