/// What both backends need of libtorch: device, threads, padded batches, and its errors in our words.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/Event.h>

#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/model.h"

namespace attnviz {

/// "auto" takes CUDA where there is a device. Throws Error that says what was found instead.
[[nodiscard]] c10::Device find_device(const std::string& wanted);

[[nodiscard]] at::ScalarType type_of(Precision precision);

/// Sets what holds for the whole process: the number of threads (0: as many as there are usable cores), and
/// that large blocks of memory go back to the system when freed.
void prepare_process(int threads);

/// Token ids of several sentences, padded to the longest.
struct Batch {
  at::Tensor ids;    ///< int64 [sentences, tokens]
  at::Tensor types;  ///< int64 [sentences, tokens]
  at::Tensor mask;   ///< bool [sentences, tokens]: false where padded
  std::vector<std::int64_t> lengths;

  [[nodiscard]] bool padded() const;
};
[[nodiscard]] Batch make_batch(std::span<const Encoding> encodings);

/// A tensor on its way to the CPU: from a GPU to memory that it writes to without a detour, beside what it
/// computes next.
class Arrival {
 public:
  explicit Arrival(const at::Tensor& tensor);

  /// The same on the CPU, once it is there.
  [[nodiscard]] at::Tensor wait() const;

 private:
  at::Tensor from_;  ///< kept, so that nothing else is written there meanwhile
  at::Tensor to_;
  std::optional<c10::Event> copied_;
};

/// Copies row `sentence` of float32 [sentences, heads, tokens, width] values to `to`, as
/// [heads, rows, columns], which leaves the padding behind.
void copy_heads(const at::Tensor& values, std::size_t sentence, std::size_t rows, std::size_t columns,
                std::span<float> to);

/// The line that tells: the first, or the last where a TorchScript traceback stands before it.
[[nodiscard]] std::string telling_line(const std::exception& error);

/// Runs `action`; what libtorch throws becomes an Error "<thing>: <its words>".
template <class Action>
auto translated(const std::string& thing, const std::string& hint, Action&& action) {
  try {
    return action();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Error(thing + ": " + telling_line(error), hint);
  }
}

}  // namespace attnviz
