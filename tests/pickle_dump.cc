// pickle_dump < PICKLES: what is read of each, a line each, for the comparison with Python's pickle module:
// its values as text, or "!" and the fault. Each pickle stands behind its size, four bytes.
#include <cstdint>
#include <iostream>
#include <string>

#include "attnviz/error.h"
#include "catalog/pickle.h"
#include "support/pickle_text.h"

int main() {
  std::uint32_t size = 0;
  while (std::cin.read(reinterpret_cast<char*>(&size), sizeof size)) {
    std::string pickle(size, '\0');
    std::cin.read(pickle.data(), size);
    try {
      const attnviz::Pickle read = attnviz::read_pickle(pickle);
      std::cout << attnviz::test::PickleText(read).text() << '\n';
    } catch (const attnviz::Error& error) {
      std::cout << '!' << error.what() << '\n';
    }
  }
  return 0;
}
