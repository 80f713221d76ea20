/// A process that does one thing for this one, which may have given up the right to do it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "file/descriptor.h"

namespace attnviz {

class Deputy {
 public:
  /// Forks, so the process may not have another thread yet. `deed` is done whenever it is asked for, `last`
  /// when this object goes, or the process, however it ends. Of open files the deputy has `file` alone, if
  /// any. Throws Error where no process can be had.
  Deputy(const std::function<int(const std::string& word)>& deed, const std::function<void()>& last,
         int file = -1);
  Deputy(const Deputy&) = delete;
  Deputy& operator=(const Deputy&) = delete;
  /// Waits for the end of `last`.
  ~Deputy();

  /// What `deed` returns; -EPIPE where the deputy is gone, killed from outside.
  [[nodiscard]] int ask(const std::string& word) const;

 private:
  pid_t process_ = -1;
  Descriptor socket_;
};

}  // namespace attnviz
