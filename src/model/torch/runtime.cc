#include "model/torch/runtime.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>
#include <malloc.h>
#include <torch/version.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <new>
#include <string_view>

#include "model/torch/cuda.h"
#include "model/torch/threads.h"

namespace attnviz {
namespace {

/// The N of "cuda:N"; 0 of "cuda"; -1 of anything else.
int cuda_index(std::string_view wanted) {
  if (wanted == "cuda") return 0;
  constexpr std::string_view kPrefix = "cuda:";
  int index = -1;
  if (!wanted.starts_with(kPrefix)) return -1;
  const char* const end = wanted.data() + wanted.size();
  const auto [stop, error] = std::from_chars(wanted.data() + kPrefix.size(), end, index);
  return error == std::errc() && stop == end ? index : -1;
}

}  // namespace

c10::Device find_device(const std::string& wanted) {
  if (wanted == "cpu") return c10::kCPU;
  const bool automatic = wanted == "auto";
  if (automatic && !driver_has_gpu()) return c10::kCPU;
  const int index = automatic ? 0 : cuda_index(wanted);
  if (index < 0) throw Error("device " + wanted + ": expected auto, cpu, cuda or cuda:N");
  const std::string failure = open_cuda();
  const int devices = at::hasCUDA() ? static_cast<int>(at::detail::getCUDAHooks().deviceCount()) : 0;
  if (index < devices) return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
  if (automatic) return c10::kCPU;
  const std::string found = !failure.empty() ? failure
                            : at::globalContext().hasCUDART()
                                ? std::to_string(devices) + " CUDA devices found"
                                : "libtorch " TORCH_VERSION " was built without CUDA";
  throw Error("device " + wanted + ": " + found, "--device cpu runs everywhere");
}

at::ScalarType type_of(Precision precision) {
  return precision == Precision::bf16 ? at::kBFloat16 : precision == Precision::fp16 ? at::kHalf : at::kFloat;
}

void prepare_process(int threads) {
  at::set_num_threads(threads > 0 ? threads : usable_cores());
#ifdef M_MMAP_THRESHOLD
  // Otherwise glibc comes to keep even blocks of many megabytes in its heap, whose gaps add half to the peak
  // memory.
  constexpr int kLargeBlock = 1 << 18;
  mallopt(M_MMAP_THRESHOLD, kLargeBlock);
#endif
}

bool Batch::padded() const {
  return std::any_of(lengths.begin(), lengths.end(), [&](auto length) { return length != ids.size(1); });
}

Batch make_batch(std::span<const Encoding> encodings) {
  std::size_t longest = 0;
  for (const Encoding& encoding : encodings) longest = std::max(longest, encoding.size());
  const std::vector<std::int64_t> shape = {static_cast<std::int64_t>(encodings.size()),
                                           static_cast<std::int64_t>(longest)};
  Batch batch{at::zeros(shape, at::kLong), at::zeros(shape, at::kLong), at::zeros(shape, at::kBool), {}};
  for (std::size_t i = 0; i < encodings.size(); ++i) {
    const Encoding& encoding = encodings[i];
    std::copy(encoding.ids.begin(), encoding.ids.end(),
              batch.ids.mutable_data_ptr<std::int64_t>() + i * longest);
    std::copy(encoding.types.begin(), encoding.types.end(),
              batch.types.mutable_data_ptr<std::int64_t>() + i * longest);
    std::fill_n(batch.mask.mutable_data_ptr<bool>() + i * longest, encoding.size(), true);
    batch.lengths.push_back(static_cast<std::int64_t>(encoding.size()));
  }
  return batch;
}

Arrival::Arrival(const at::Tensor& tensor) : from_(tensor), to_(tensor) {
  const c10::Device device = tensor.device();
  if (device.is_cpu()) return;
  to_ = at::empty(tensor.sizes(), at::TensorOptions(tensor.scalar_type()).pinned_memory(true));
  const c10::impl::VirtualGuardImpl streams(device.type());
  const c10::Stream copying = streams.getStreamFromGlobalPool(device);
  c10::Event computed(device.type());
  computed.record(streams.getStream(device));
  computed.block(copying);
  const c10::StreamGuard here(copying);
  to_.copy_(tensor, /*non_blocking=*/true);
  copied_.emplace(device.type()).record(copying);
}

at::Tensor Arrival::wait() const {
  if (copied_) copied_->synchronize();
  return to_;
}

void copy_heads(const at::Tensor& values, std::size_t sentence, std::size_t rows, std::size_t columns,
                std::span<float> to) {
  const at::Tensor heads = values.select(0, static_cast<std::int64_t>(sentence)).contiguous();
  const auto tokens = static_cast<std::size_t>(heads.size(1));
  const auto width = static_cast<std::size_t>(heads.size(2));
  const float* const from = heads.const_data_ptr<float>();
  if (rows == tokens && columns == width) {
    std::memcpy(to.data(), from, to.size_bytes());
    return;
  }
  float* row = to.data();
  for (std::int64_t head = 0; head < heads.size(0); ++head) {
    for (std::size_t i = 0; i < rows; ++i, row += columns) {
      std::memcpy(row, from + (static_cast<std::size_t>(head) * tokens + i) * width, columns * sizeof(float));
    }
  }
}

std::string telling_line(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error)) return "out of memory";
  const auto* const ours = dynamic_cast<const c10::Error*>(&error);
  std::string_view text = ours ? ours->what_without_backtrace() : error.what();
  while (text.ends_with('\n')) text.remove_suffix(1);
  while (text.starts_with('\n')) text.remove_prefix(1);
  if (text.find("Traceback of TorchScript") != std::string_view::npos) {
    return std::string(text.substr(text.rfind('\n') + 1));
  }
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace attnviz
