#include <algorithm>
#include <iterator>

#include "catalog/script_source.h"

namespace attnviz {
namespace {

/// What traces of transformers' models use, and their nearest kin; in order. Views and splits check what they
/// are told against the tensor, and the rest allocates no more than others do.
/// Not among them, though traces of experts hold them: aten::histc, which counts behind its last bin where a
/// number's type can't hold the number of bins, and aten::_grouped_mm, which reads wherever its offsets say.
/// The exporter writes experts without them.
// clang-format off
constexpr std::string_view kOperators[] = {
    "aten::Bool", "aten::Float", "aten::FloatImplicit", "aten::Int", "aten::IntImplicit",
    "aten::ScalarImplicit", "aten::__and__", "aten::__contains__", "aten::__getitem__", "aten::__is__",
    "aten::__isnot__", "aten::__not__", "aten::__or__", "aten::__xor__", "aten::_convolution",
    "aten::abs", "aten::acos", "aten::adaptive_avg_pool1d", "aten::add", "aten::add_", "aten::addcdiv",
    "aten::addcmul", "aten::addmm", "aten::addmv", "aten::all", "aten::amax", "aten::amin", "aten::any",
    "aten::arange", "aten::argmax", "aten::argmin", "aten::argsort", "aten::as_strided", "aten::asin",
    "aten::atan", "aten::atan2", "aten::avg_pool1d", "aten::avg_pool2d", "aten::baddbmm",
    "aten::batch_norm", "aten::bitwise_and", "aten::bitwise_not", "aten::bitwise_or", "aten::bmm",
    "aten::broadcast_tensors", "aten::broadcast_to", "aten::bucketize", "aten::cat", "aten::cdist",
    "aten::ceil", "aten::ceil_", "aten::celu", "aten::chunk", "aten::clamp", "aten::clamp_",
    "aten::clamp_max", "aten::clamp_min", "aten::clone", "aten::column_stack", "aten::constant_pad_nd",
    "aten::contiguous", "aten::conv1d", "aten::conv2d", "aten::copy_", "aten::cos", "aten::cosh",
    "aten::cosine_similarity", "aten::count_nonzero", "aten::cummax", "aten::cummin", "aten::cumprod",
    "aten::cumsum", "aten::detach", "aten::device", "aten::diag", "aten::diagonal", "aten::diff",
    "aten::dim", "aten::div", "aten::div_", "aten::dot", "aten::dropout", "aten::dropout_",
    "aten::dstack", "aten::einsum", "aten::elu", "aten::embedding", "aten::empty", "aten::empty_like",
    "aten::eq", "aten::erf", "aten::exp", "aten::exp2", "aten::exp_", "aten::expand", "aten::expand_as",
    "aten::expm1", "aten::eye", "aten::fill_", "aten::flatten", "aten::flip", "aten::floor",
    "aten::floor_", "aten::floor_divide", "aten::fmod", "aten::frac", "aten::full", "aten::full_like",
    "aten::gather", "aten::ge", "aten::gelu", "aten::gelu_", "aten::glu", "aten::group_norm",
    "aten::gt", "aten::hardsigmoid", "aten::hardswish", "aten::hardtanh", "aten::hstack",
    "aten::im2col", "aten::index", "aten::index_add", "aten::index_add_", "aten::index_copy",
    "aten::index_fill", "aten::index_fill_", "aten::index_put_", "aten::index_select", "aten::inner",
    "aten::instance_norm", "aten::isfinite", "aten::isinf", "aten::isnan", "aten::item", "aten::kron",
    "aten::layer_norm", "aten::le", "aten::leaky_relu", "aten::len", "aten::lerp", "aten::linear",
    "aten::log", "aten::log1p", "aten::log2", "aten::log_sigmoid", "aten::log_softmax",
    "aten::logaddexp", "aten::logical_and", "aten::logical_not", "aten::logical_or", "aten::logsumexp",
    "aten::lt", "aten::masked_fill", "aten::masked_fill_", "aten::masked_scatter",
    "aten::masked_select", "aten::matmul", "aten::max", "aten::max_pool1d", "aten::max_pool2d",
    "aten::maximum", "aten::mean", "aten::meshgrid", "aten::min", "aten::minimum", "aten::mish",
    "aten::mm", "aten::movedim", "aten::mul", "aten::mul_", "aten::multiply", "aten::mv",
    "aten::nan_to_num", "aten::narrow", "aten::ne", "aten::neg", "aten::neg_", "aten::new_empty",
    "aten::new_full", "aten::new_ones", "aten::new_zeros", "aten::nonzero", "aten::norm", "aten::numel",
    "aten::numpy_T", "aten::one_hot", "aten::ones", "aten::ones_like", "aten::outer", "aten::pad",
    "aten::pairwise_distance", "aten::permute", "aten::polar", "aten::pow", "aten::pow_", "aten::prod",
    "aten::reciprocal", "aten::reciprocal_", "aten::relu", "aten::relu6", "aten::relu_",
    "aten::remainder", "aten::repeat", "aten::repeat_interleave", "aten::reshape", "aten::reshape_as",
    "aten::rms_norm", "aten::roll", "aten::rot90", "aten::round", "aten::rsqrt", "aten::rsqrt_",
    "aten::rsub", "aten::scalar_tensor", "aten::scaled_dot_product_attention", "aten::scatter",
    "aten::scatter_", "aten::searchsorted", "aten::select", "aten::select_scatter", "aten::selu",
    "aten::sigmoid", "aten::sign", "aten::silu", "aten::sin", "aten::sinc", "aten::sinh", "aten::size",
    "aten::slice", "aten::softmax", "aten::softplus", "aten::sort", "aten::split",
    "aten::split_with_sizes", "aten::sqrt", "aten::sqrt_", "aten::square", "aten::squeeze",
    "aten::squeeze_", "aten::stack", "aten::std", "aten::sub", "aten::sub_", "aten::subtract",
    "aten::sum", "aten::swapaxes", "aten::t", "aten::take_along_dim", "aten::tan", "aten::tanh",
    "aten::tanh_", "aten::tensor_split", "aten::tensordot", "aten::tile", "aten::to", "aten::topk",
    "aten::transpose", "aten::tril", "aten::tril_indices", "aten::triu", "aten::triu_indices",
    "aten::true_divide", "aten::trunc", "aten::type_as", "aten::unbind", "aten::unflatten",
    "aten::unfold", "aten::unsqueeze", "aten::unsqueeze_", "aten::var", "aten::var_mean", "aten::view",
    "aten::view_as", "aten::view_as_complex", "aten::view_as_real", "aten::vstack", "aten::where",
    "aten::zero_", "aten::zeros", "aten::zeros_like", "prim::NumToTensor", "prim::RaiseException",
    "prim::dtype", "prim::max", "prim::min", "prim::unchecked_cast",
};
// clang-format on

}  // namespace

bool is_harmless(std::string_view name) {
  return std::binary_search(std::begin(kOperators), std::end(kOperators), name);
}

}  // namespace attnviz
