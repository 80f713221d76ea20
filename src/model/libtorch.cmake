# Finds libtorch by its files, since the CMake package that comes with it stops wherever its CUDA libraries, but no CUDA
# toolkit, are installed: on every machine whose pip took the default build. Gives the target `libtorch`.
#
# Torch_DIR names a libtorch (the folder that holds include and lib, or the share/cmake/Torch inside it): that of a pip
# wheel, of the C++ zip or of a distribution. Without it CMAKE_PREFIX_PATH, the checkout's own .venv and the system count.
set(oldest_torch 2.5)
set(newest_torch 2.14)  # that it was tried with

set(Torch_DIR "" CACHE PATH "The libtorch to build against: the folder that holds include and lib")
if(NOT Torch_DIR AND DEFINED ENV{Torch_DIR})
  set(Torch_DIR "$ENV{Torch_DIR}")
endif()
string(REGEX REPLACE "/share/cmake/Torch/?$" "" torch_root "${Torch_DIR}")
file(GLOB venv_torch ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)

# What an earlier run found is looked for anew where another one is named.
if(NOT "${torch_root};${venv_torch}" STREQUAL "${ATTNVIZ_TORCH_SOUGHT}")
  unset(TORCH_HEADERS CACHE)
  unset(TORCH_CPU_LIBRARY CACHE)
  unset(TORCH_C10_LIBRARY CACHE)
endif()
set(ATTNVIZ_TORCH_SOUGHT "${torch_root};${venv_torch}" CACHE INTERNAL "")

if(torch_root)
  set(sought PATHS ${torch_root} NO_DEFAULT_PATH)
else()
  set(sought HINTS ${venv_torch})
endif()
find_path(TORCH_HEADERS ATen/Context.h ${sought} PATH_SUFFIXES include)
find_library(TORCH_CPU_LIBRARY torch_cpu ${sought} PATH_SUFFIXES lib lib64)
find_library(TORCH_C10_LIBRARY c10 ${sought} PATH_SUFFIXES lib lib64)
mark_as_advanced(TORCH_HEADERS TORCH_CPU_LIBRARY TORCH_C10_LIBRARY)
if(NOT TORCH_HEADERS OR NOT TORCH_CPU_LIBRARY OR NOT TORCH_C10_LIBRARY)
  set(where "in .venv, CMAKE_PREFIX_PATH or the system")
  if(torch_root)
    set(where "in ${torch_root} (Torch_DIR)")
  endif()
  message(FATAL_ERROR "No libtorch ${where}: expected include/ATen/Context.h, lib/libtorch_cpu.so and lib/libc10.so. "
    "scripts/setup installs one into .venv; -DTorch_DIR=FOLDER names another, -DATTNVIZ_TORCH=OFF builds without.")
endif()

# Older versions hold their numbers in the first of these, newer ones in the second.
set(torch_api_headers ${TORCH_HEADERS}/torch/csrc/api/include)
foreach(header ${torch_api_headers}/torch/version.h ${TORCH_HEADERS}/torch/headeronly/version.h)
  if(EXISTS ${header})
    file(STRINGS ${header} numbers REGEX "^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+")
    string(REGEX MATCHALL "[0-9]+" numbers "${numbers}")
    list(JOIN numbers "." found_version)
    if(found_version)
      set(torch_version ${found_version})
    endif()
  endif()
endforeach()
if(NOT torch_version)
  message(FATAL_ERROR "${TORCH_HEADERS}: no torch/version.h with the version's numbers. Torch_DIR names another libtorch.")
elseif(torch_version VERSION_LESS oldest_torch)
  message(FATAL_ERROR "${TORCH_CPU_LIBRARY}: libtorch ${torch_version}, expected ${oldest_torch} or later. Torch_DIR names another.")
endif()
string(REGEX MATCH "^[0-9]+\\.[0-9]+" torch_minor ${torch_version})
if(torch_minor VERSION_GREATER newest_torch)
  message(WARNING "libtorch ${torch_version} is newer than ${newest_torch}, the newest that attnviz was tried with.")
endif()

# An error's message is a std::string, whose new form leaves its name in the symbol.
file(STRINGS ${TORCH_C10_LIBRARY} new_strings REGEX "c105ErrorC[12]E.*__cxx11" LIMIT_COUNT 1)
if(NOT new_strings)
  message(FATAL_ERROR "${TORCH_C10_LIBRARY} is built for GCC's old string ABI, which the system's libraries do not use. "
    "Take a pip wheel of 2.7 or later, or the C++ zip \"cxx11 ABI\" (-DTorch_DIR=FOLDER).")
endif()
message(STATUS "libtorch ${torch_version}: ${TORCH_CPU_LIBRARY}")

# What computes on a GPU, libtorch_cuda, is beside them where there is one, and is opened when a GPU is to be used.
add_library(libtorch INTERFACE)
target_include_directories(libtorch SYSTEM INTERFACE ${TORCH_HEADERS} ${torch_api_headers})
target_link_libraries(libtorch INTERFACE ${TORCH_CPU_LIBRARY} ${TORCH_C10_LIBRARY})
