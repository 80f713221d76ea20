/// batch: a job done with every text of a file: batched by length, drawn by several threads, written in the
/// input's order.
#pragma once

#include "cli/job.h"

namespace attnviz::cli {

/// Does the job with the texts of job.text.input. Returns the exit status: 2 where a text could not be done,
/// 130 where it was interrupted.
int run_batch(const Job& job, const Streams& streams);

}  // namespace attnviz::cli
