#include "cli/sentence.h"

#include <istream>
#include <iterator>

namespace attnviz::cli {
namespace {

const Choices<InvalidUtf8> kPolicies = {{"fail", InvalidUtf8::fail}, {"replace", InvalidUtf8::replace}};

std::string read_stream(std::istream& in) {
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) throw Error("standard input: can't be read");
  if (text.ends_with('\n')) text.resize(text.size() - (text.ends_with("\r\n") ? 2 : 1));
  return text;
}

std::string read_text(const std::string& name, const std::string& given, InvalidUtf8 policy,
                      std::istream& in) {
  const std::string what = given == "-" ? "standard input" : name;
  std::string text = valid_utf8(given == "-" ? read_stream(in) : given, policy, what);
  if (text.empty()) throw Error(what + ": empty, expected a text");
  return text;
}

}  // namespace

std::string Sentence::shown() const {
  return visible((pair ? text + "  |  " + *pair : text) + (target ? "  →  " + *target : ""));
}

void add_text_flags(Flags& flags, TextOptions& options) {
  flags.group("Text");
  flags.optional_argument("TEXT", "the sentence; - reads it from standard input",
                          [&](const Given& given) { options.text = given.value; });
  flags.value("--pair", "TEXT", "the second sentence, for models that take pairs",
              [&](const Given& given) { options.pair = given.value; });
  flags.value("--target", "TEXT",
              "what a model with a decoder behind its encoder (T5, BART, Marian) makes of TEXT, such as its "
              "translation: the decoder reads it",
              [&](const Given& given) { options.target = given.value; });
  flags.value("--invalid-utf8", "fail|replace",
              "bytes that are not UTF-8: stop with their place, or replace them with U+FFFD (default: fail)",
              [&](const Given& given) { options.invalid_utf8 = read_choice(given, kPolicies); });
  add_input_flags(flags, options.input);
}

void check_text(const TextOptions& options) {
  const InputOptions& input = options.input;
  if (!input.path) {
    if (!options.text)
      throw Error("TEXT: missing", "give a sentence in quotes, or - to read it from standard input");
    std::string flag = input.first_given.empty() ? "" : input.first_given.front();
    if (input.resume) flag = "--resume";
    if (input.no_header) flag = "--no-header";
    if (!flag.empty()) throw Error(flag + ": there is but one text", "--input FILE gives many");
    return;
  }
  if (options.text) throw Error("TEXT: --input gives the texts already", "leave one out");
  if (options.pair)
    throw Error("--pair: --input gives many texts", "--pair-column names their second sentences");
  if (options.target)
    throw Error("--target: --input gives many texts", "--target-column names their targets");
  if (input.limit && !input.shard.is_whole()) {
    throw Error("--limit: --shard's parts do not know of each other's texts, nor when there are enough",
                "cut the input instead: head -n");
  }
}

Sentence read_sentence(const TextOptions& options, std::istream& in) {
  if (options.text == "-" && options.pair == "-") {
    throw Error("--pair -: standard input is the first text already", "give one of the two as an argument");
  }
  if (options.target == "-" && (options.text == "-" || options.pair == "-")) {
    throw Error("--target -: standard input is another text already", "give one of the two as an argument");
  }
  Sentence sentence{.name = options.name};
  sentence.text = read_text(options.name, *options.text, options.invalid_utf8, in);
  if (options.pair) sentence.pair = read_text("--pair", *options.pair, options.invalid_utf8, in);
  if (options.target) sentence.target = read_text("--target", *options.target, options.invalid_utf8, in);
  return sentence;
}

}  // namespace attnviz::cli
