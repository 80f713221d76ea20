#include "tokens/sentencepiece_file.h"

#include <bit>
#include <optional>
#include <string>

#include "attnviz/error.h"
#include "attnviz/text.h"

namespace attnviz::tokens {
namespace {

/// A field of a message: `number` for what is written as one, `bytes` for texts and messages.
struct Field {
  std::uint32_t id = 0;
  std::uint32_t wire_type = 0;
  std::uint64_t number = 0;
  std::string_view bytes;
};

// Protocol buffers' wire types.
constexpr std::uint32_t kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;

/// Reads the fields of a message one by one; errors give places in the file.
class FieldReader {
 public:
  FieldReader(std::string_view file, std::string_view message)
      : message_(message), begin_(static_cast<std::size_t>(message.data() - file.data())) {}

  std::optional<Field> next() {
    if (offset_ == message_.size()) return std::nullopt;
    field_begin_ = offset_;
    const std::uint64_t tag = varint();
    Field field;
    field.id = static_cast<std::uint32_t>(tag >> 3);
    field.wire_type = static_cast<std::uint32_t>(tag & 7);
    if (tag >> 32 != 0 || field.id == 0) throw fault("a field without a number");
    switch (field.wire_type) {
      case kVarint:
        field.number = varint();
        break;
      case kFixed64:
        field.number = fixed(8);
        break;
      case kFixed32:
        field.number = fixed(4);
        break;
      case kBytes:
        field.bytes = bytes(varint());
        break;
      default:
        throw fault("a field of unknown kind " + std::to_string(field.wire_type));
    }
    return field;
  }

  [[nodiscard]] Error fault(const std::string& what) const {
    return Error(what + " at byte " + std::to_string(begin_ + field_begin_));
  }
  void expect(const Field& field, std::uint32_t wire_type, const char* name) const {
    if (field.wire_type != wire_type) throw fault(std::string(name) + " is of the wrong kind");
  }
  [[nodiscard]] std::string_view text(const Field& field, const char* name) const {
    expect(field, kBytes, name);
    if (find_invalid_utf8(field.bytes) != std::string_view::npos)
      throw fault(std::string(name) + " is not UTF-8");
    return field.bytes;
  }
  [[nodiscard]] std::int32_t integer(const Field& field, const char* name) const {
    expect(field, kVarint, name);
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(field.number));
  }
  [[nodiscard]] std::uint32_t choice(const Field& field, std::uint32_t last, const char* name) const {
    expect(field, kVarint, name);
    if (field.number < 1 || field.number > last) {
      throw fault(std::string(name) + " is " + std::to_string(field.number) + ", expected 1 to " +
                  std::to_string(last));
    }
    return static_cast<std::uint32_t>(field.number);
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes(1)[0]);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    throw fault("a number without end");
  }
  std::uint64_t fixed(std::size_t size) {
    const std::string_view written = bytes(size);
    std::uint64_t value = 0;
    for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(written[i]);
    return value;
  }
  std::string_view bytes(std::uint64_t size) {
    if (size > message_.size() - offset_) throw fault("cut off: a field reaches behind the end");
    offset_ += size;
    return message_.substr(offset_ - size, size);
  }

  std::string_view message_;
  std::size_t begin_, offset_ = 0, field_begin_ = 0;
};

SentencePieceFile::Piece read_piece(FieldReader reader) {
  SentencePieceFile::Piece piece;
  while (const auto field = reader.next()) {
    if (field->id == 1) piece.text = reader.text(*field, "a piece");
    if (field->id == 2) {
      reader.expect(*field, kFixed32, "a score");
      piece.score = std::bit_cast<float>(static_cast<std::uint32_t>(field->number));
      // Also refuses what is not a number.
      if (!(piece.score - piece.score == 0)) throw reader.fault("a score that is not finite");
    }
    if (field->id == 3) piece.type = SentencePieceFile::Type{reader.choice(*field, 6, "a piece's type")};
  }
  return piece;
}

void read_training(FieldReader reader, SentencePieceFile& file) {
  while (const auto field = reader.next()) {
    switch (field->id) {
      case 3:
        file.algorithm = SentencePieceFile::Algorithm{reader.choice(*field, 4, "model_type")};
        break;
      case 24:
        file.marks_word_ends = reader.integer(*field, "treat_whitespace_as_suffix") != 0;
        break;
      case 35:
        file.byte_fallback = reader.integer(*field, "byte_fallback") != 0;
        break;
      case 40:
        file.unk_id = reader.integer(*field, "unk_id");
        break;
      case 41:
        file.bos_id = reader.integer(*field, "bos_id");
        break;
      case 42:
        file.eos_id = reader.integer(*field, "eos_id");
        break;
      case 45:
        file.unk_piece = reader.text(*field, "unk_piece");
        break;
      case 46:
        file.bos_piece = reader.text(*field, "bos_piece");
        break;
      case 47:
        file.eos_piece = reader.text(*field, "eos_piece");
        break;
      default:
        break;
    }
  }
}

void read_normalization(FieldReader reader, SentencePieceFile& file) {
  while (const auto field = reader.next()) {
    if (field->id == 2) {
      reader.expect(*field, kBytes, "precompiled_charsmap");
      file.character_map = field->bytes;
    }
    if (field->id == 3) file.adds_prefix = reader.integer(*field, "add_dummy_prefix") != 0;
    if (field->id == 4) file.removes_extra_spaces = reader.integer(*field, "remove_extra_whitespaces") != 0;
    if (field->id == 5) file.escapes_spaces = reader.integer(*field, "escape_whitespaces") != 0;
  }
}

}  // namespace

SentencePieceFile read_sentencepiece_file(std::string_view bytes) {
  SentencePieceFile file;
  FieldReader reader(bytes, bytes);
  while (const auto field = reader.next()) {
    if (field->id < 1 || field->id > 3) continue;
    reader.expect(*field, kBytes, "a section");
    const FieldReader section(bytes, field->bytes);
    if (field->id == 1) file.pieces.push_back(read_piece(section));
    if (field->id == 2) read_training(section, file);
    if (field->id == 3) read_normalization(section, file);
  }
  if (file.pieces.empty()) throw Error("has no pieces", "expected a model of sentencepiece");
  return file;
}

}  // namespace attnviz::tokens
