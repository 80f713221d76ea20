#include "catalog/pickle.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <utility>

#include "attnviz/error.h"
#include "catalog/pickle_bytes.h"
#include "catalog/pickle_names.h"

// Python's pickle protocol 2 (Lib/pickle.py); torch/csrc/jit/serialization/pickler.cpp writes a part of it.

namespace attnviz {
namespace {

using Kind = PickleValue::Kind;
using Place = std::uint32_t;

/// A trace's modules are some twelve deep.
constexpr std::size_t kDeepestNesting = 100;
/// A model of 100 layers has some 60,000 instructions.
constexpr std::size_t kMostInstructions = 1'000'000;

std::string with_point(std::string_view global) {
  std::string name(global);
  std::replace(name.begin(), name.end(), '\n', '.');
  return name;
}

[[noreturn]] void refuse(const std::string& fault) { throw Error(fault); }

class Reader {
 public:
  explicit Reader(std::string_view pickle) : bytes_(pickle), size_(pickle.size()) {
    pickle_.values.reserve(std::min(size_, kMostInstructions));
  }
  Pickle run();

 private:
  bool step(char opcode);
  bool step_scalar(char opcode);
  bool step_collection(char opcode);
  bool step_memo(char opcode);

  void spend(std::size_t instructions);
  PickleValue& at(Place place) { return pickle_.values[place]; }
  Place add(PickleValue value);
  void push(PickleValue value) { stack_.push_back(add(std::move(value))); }
  Place pop();
  [[nodiscard]] Place top() const;
  /// How many there are behind the last mark.
  [[nodiscard]] std::size_t reachable() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }
  std::vector<Place> pop_last(std::size_t count);
  std::vector<Place> pop_to_mark();
  void push_tuple(std::vector<Place> parts) { push({.kind = Kind::tuple, .parts = std::move(parts)}); }
  void append(std::vector<Place> parts);
  void set_items(std::vector<Place> parts);
  void push_global();
  void push_storage();
  void make_object();
  void build();
  void call();
  Place made_by(std::string_view function, const std::vector<Place>& arguments);
  Place make_tensor(const std::vector<Place>& arguments);
  Place part(const std::vector<Place>& parts, std::size_t index, Kind kind);

  PickleInput bytes_;
  std::size_t size_, spent_ = 0;
  Pickle pickle_;
  std::vector<Place> stack_, memo_;
  std::vector<std::size_t> marks_;  ///< how many values stand in front of each
};

constexpr Place kNothing = std::numeric_limits<Place>::max();

void Reader::spend(std::size_t instructions) {
  spent_ += instructions;
  if (spent_ > kMostInstructions) {
    refuse("takes more than " + std::to_string(kMostInstructions) + " instructions");
  }
}

Place Reader::add(PickleValue value) {
  pickle_.values.push_back(std::move(value));
  return static_cast<Place>(pickle_.values.size() - 1);
}

Place Reader::top() const {
  if (reachable() == 0) refuse("takes a value that is not there");
  return stack_.back();
}

Place Reader::pop() {
  const Place place = top();
  stack_.pop_back();
  return place;
}

std::vector<Place> Reader::pop_last(std::size_t count) {
  if (reachable() < count) refuse("takes a value that is not there");
  const auto begin = stack_.end() - static_cast<std::ptrdiff_t>(count);
  std::vector<Place> taken(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  return taken;
}

std::vector<Place> Reader::pop_to_mark() {
  if (marks_.empty()) refuse("takes a value that is not there");
  std::vector<Place> taken = pop_last(reachable());
  marks_.pop_back();
  return taken;
}

void Reader::append(std::vector<Place> parts) {
  PickleValue& list = at(top());
  if (list.kind != Kind::list) refuse("fills what is no list");
  list.parts.insert(list.parts.end(), parts.begin(), parts.end());
}

void Reader::set_items(std::vector<Place> parts) {
  PickleValue& dictionary = at(top());
  if (dictionary.kind != Kind::dictionary || parts.size() % 2 != 0) refuse("fills what is no dictionary");
  for (std::size_t i = 0; i < parts.size(); i += 2) {
    const Kind key = at(parts[i]).kind;
    if (key != Kind::string && key != Kind::integer) refuse("holds a key that is neither name nor number");
  }
  dictionary.parts.insert(dictionary.parts.end(), parts.begin(), parts.end());
}

void Reader::push_global() {
  const std::string_view name = bytes_.global();
  if (!is_known_global(name)) refuse("uses " + with_point(name) + ", which is not known to be harmless");
  push({.kind = Kind::global, .text = name});
}

Place Reader::part(const std::vector<Place>& parts, std::size_t index, Kind kind) {
  if (index >= parts.size()) refuse("gives a function too little");
  if (at(parts[index]).kind != kind) refuse("gives a function what it does not expect");
  return parts[index];
}

/// Of ("storage", its type, its name in the archive, a device, the number of elements).
void Reader::push_storage() {
  const Place id = pop();
  const std::vector<Place> parts = at(id).parts;
  if (at(id).kind != Kind::tuple || parts.size() != 5 || at(part(parts, 0, Kind::string)).text != "storage") {
    refuse("refers to what is no storage");
  }
  const Place type = part(parts, 1, Kind::global);
  if (!is_storage_type(at(type).text)) refuse("gives a function what it does not expect");
  part(parts, 3, Kind::string);
  push({.kind = Kind::storage,
        .number = at(part(parts, 4, Kind::integer)).number,
        .text = at(part(parts, 2, Kind::string)).text,
        .parts = {type}});
}

void Reader::make_object() {
  const PickleValue arguments = at(pop()), type = at(pop());
  if (arguments.kind != Kind::tuple || !arguments.parts.empty()) refuse("makes an object in another way");
  if (type.kind != Kind::global || !is_own_class(type.text)) refuse("calls what is no class");
  push({.kind = Kind::object, .text = type.text});
}

/// An object takes what its state holds then, as Python's does.
void Reader::build() {
  const Place state = pop(), object = top();
  if (at(object).kind != Kind::object || at(object).flag) refuse("gives a state to what is no new object");
  if (at(state).kind != Kind::dictionary) refuse("gives an object a state that is no dictionary");
  spend(at(state).parts.size());
  for (std::size_t i = 0; i < at(state).parts.size(); i += 2) {
    if (at(at(state).parts[i]).kind != Kind::string) refuse("gives an object an attribute without a name");
  }
  at(object).flag = true;
  at(object).parts = at(state).parts;
}

void Reader::call() {
  const PickleValue arguments = at(pop()), function = at(pop());
  if (function.kind != Kind::global || is_own_class(function.text) || is_storage_type(function.text)) {
    refuse("calls what is no function");
  }
  if (arguments.kind != Kind::tuple) refuse("gives a function too little");
  stack_.push_back(made_by(function.text, arguments.parts));
}

Place Reader::made_by(std::string_view function, const std::vector<Place>& arguments) {
  if (function == kRebuildTensor) return make_tensor(arguments);
  if (function == kOrderedDictionary) {
    if (!arguments.empty()) refuse("makes a dictionary in another way");
    return add({.kind = Kind::dictionary});
  }
  // What a list or dictionary is called tells nothing that the class it belongs to does not declare.
  const bool tags = function == kRestoreType;
  if (arguments.size() != (tags ? 2 : 1)) refuse("makes a list in another way");
  if (tags) part(arguments, 1, Kind::string);
  return part(arguments, 0,
              tags && at(arguments[0]).kind == Kind::dictionary ? Kind::dictionary : Kind::list);
}

/// Of (a storage, offset, sizes, strides, whether it is trained, hooks).
Place Reader::make_tensor(const std::vector<Place>& arguments) {
  if (arguments.size() != 6) refuse("makes a tensor in another way");
  PickleValue tensor{.kind = Kind::tensor};
  tensor.number = at(part(arguments, 1, Kind::integer)).number;
  tensor.flag = at(part(arguments, 4, Kind::boolean)).flag;
  tensor.parts = {part(arguments, 0, Kind::storage), part(arguments, 2, Kind::tuple),
                  part(arguments, 3, Kind::tuple)};
  for (const Place shape : {tensor.parts[1], tensor.parts[2]}) {
    const std::vector<Place>& numbers = at(shape).parts;
    for (std::size_t i = 0; i < numbers.size(); ++i) part(numbers, i, Kind::integer);
  }
  const PickleValue& hooks = at(arguments[5]);
  const bool has_none = hooks.kind == Kind::none || (hooks.kind == Kind::dictionary && hooks.parts.empty());
  if (!has_none) refuse("makes a tensor with hooks");
  return add(std::move(tensor));
}

bool Reader::step_scalar(char opcode) {
  const auto integer = [this](std::int64_t number) { push({.kind = Kind::integer, .number = number}); };
  switch (opcode) {
    case 'K':
      integer(bytes_.number<std::uint8_t>());
      return true;
    case 'M':
      integer(bytes_.number<std::uint16_t>());
      return true;
    case 'J':
      integer(bytes_.number<std::int32_t>());
      return true;
    case '\x8a':  // LONG1, which libtorch reads and writes with eight bytes
      if (bytes_.number<std::uint8_t>() != sizeof(std::int64_t)) refuse("holds an integer of another size");
      integer(bytes_.number<std::int64_t>());
      return true;
    case 'G':
      push({.kind = Kind::real, .real = bytes_.real()});
      return true;
    case 'X':
      push({.kind = Kind::string, .text = bytes_.string(bytes_.number<std::uint32_t>())});
      return true;
    case 'N':
      push({});
      return true;
    case '\x88':
    case '\x89':
      push({.kind = Kind::boolean, .flag = opcode == '\x88'});
      return true;
    default:
      return false;
  }
}

bool Reader::step_collection(char opcode) {
  switch (opcode) {
    case '(':
      marks_.push_back(stack_.size());
      return true;
    case ')':
      push_tuple({});
      return true;
    case '\x85':
    case '\x86':
    case '\x87':
      push_tuple(pop_last(static_cast<std::size_t>(opcode - '\x84')));
      return true;
    case 't':
      push_tuple(pop_to_mark());
      return true;
    case ']':
      push({.kind = Kind::list});
      return true;
    case '}':
      push({.kind = Kind::dictionary});
      return true;
    case 'a':
      append(pop_last(1));
      return true;
    case 'e':
      append(pop_to_mark());
      return true;
    case 's':
      set_items(pop_last(2));
      return true;
    case 'u':
      set_items(pop_to_mark());
      return true;
    default:
      return false;
  }
}

bool Reader::step_memo(char opcode) {
  const bool is_long = opcode == 'r' || opcode == 'j';
  if (opcode != 'q' && opcode != 'h' && !is_long) return false;
  const std::size_t number = is_long ? bytes_.number<std::uint32_t>() : bytes_.number<std::uint8_t>();
  if (opcode == 'h' || opcode == 'j') {
    if (number >= memo_.size() || memo_[number] == kNothing) refuse("takes a value that is not there");
    stack_.push_back(memo_[number]);
    return true;
  }
  if (number > size_) refuse("numbers values beyond their number");
  memo_.resize(std::max(memo_.size(), number + 1), kNothing);
  memo_[number] = top();
  return true;
}

bool Reader::step(char opcode) {
  switch (opcode) {
    case 'c':
      push_global();
      return true;
    case 'Q':
      push_storage();
      return true;
    case '\x81':
      make_object();
      return true;
    case 'R':
      call();
      return true;
    case 'b':
      build();
      return true;
    default:
      return step_scalar(opcode) || step_collection(opcode) || step_memo(opcode);
  }
}

/// How deep values are nested, each looked at once.
class Depths {
 public:
  explicit Depths(const Pickle& pickle) : pickle_(pickle), found_(pickle.values.size(), kUnknown) {}

  /// Of what lies in `place`, which lies `above` values deep.
  int below(Place place, int above) {
    if (found_[place] == kBeingFound) refuse("puts a value into itself");
    if (found_[place] == kUnknown) {
      if (above > static_cast<int>(kDeepestNesting)) refuse("nests values too deep");
      found_[place] = kBeingFound;
      int deepest = 0;
      for (const Place inner : pickle_.values[place].parts) {
        deepest = std::max(deepest, below(inner, above + 1) + 1);
      }
      found_[place] = deepest;
    }
    if (above + found_[place] > static_cast<int>(kDeepestNesting)) refuse("nests values too deep");
    return found_[place];
  }

 private:
  static constexpr int kUnknown = -1, kBeingFound = -2;
  const Pickle& pickle_;
  std::vector<int> found_;
};

/// Python keeps the last one of a key's values.
void check_keys(const Pickle& pickle) {
  for (const PickleValue& value : pickle.values) {
    if (value.kind != Kind::dictionary && value.kind != Kind::object) continue;
    std::set<std::pair<std::int64_t, std::string_view>> keys;
    for (std::size_t i = 0; i < value.parts.size(); i += 2) {
      const PickleValue& key = pickle.values[value.parts[i]];
      const bool is_name = key.kind == Kind::string;
      const auto added = keys.emplace(key.number, is_name ? key.text : std::string_view{});
      if (!added.second) refuse("holds a key twice");
    }
  }
}

Pickle Reader::run() {
  if (bytes_.take(2) != "\x80\x02") refuse("is no pickle of protocol 2");
  for (;;) {
    const char opcode = bytes_.take(1)[0];
    if (opcode == '.') break;
    spend(1);
    if (!step(opcode)) {
      refuse("holds instruction " + std::to_string(static_cast<unsigned char>(opcode)) +
             ", which torch.jit.save does not write");
    }
  }
  if (stack_.size() != 1 || !marks_.empty()) refuse("gives no single value");
  if (!bytes_.at_end()) refuse("goes on behind its end");
  pickle_.root = stack_[0];
  Depths(pickle_).below(pickle_.root, 0);
  check_keys(pickle_);
  return std::move(pickle_);
}

}  // namespace

Pickle read_pickle(std::string_view pickle) { return Reader(pickle).run(); }

}  // namespace attnviz
