/// The limit on the memory of a process.
#pragma once

namespace attnviz {

/// A model that asks for more than is available gets an error, in place of a machine that swaps or ends other
/// processes.
void limit_memory();

}  // namespace attnviz
